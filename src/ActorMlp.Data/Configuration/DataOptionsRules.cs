namespace ActorMlp.Data.Configuration;

/// <summary>A rule of the run file that is broken.</summary>
/// <param name="Key">The key, from the top: <c>data.target</c>.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
public sealed record OptionProblem(string Key, string Message);

/// <summary>The rules across the keys of the section <c>data</c>, and that its files exist.</summary>
public static class DataOptionsRules
{
    /// <summary>Every rule that is broken.</summary>
    public static IEnumerable<OptionProblem> Check(DataOptions options, DataPaths paths)
    {
        bool idx = options.Format == DataFormat.Idx;
        if (options.Train.Length == 0)
        {
            yield return new OptionProblem("data.train", "is required: the file with the training rows");
        }

        if (!idx && string.IsNullOrEmpty(options.Target))
        {
            yield return new OptionProblem("data.target", "is required for csv: the column to predict");
        }

        if (idx && options.Target is not null)
        {
            yield return new OptionProblem("data.target", "is for csv only; idx has labels in files of their own");
        }

        if (idx && options.Task == DataTask.Regression)
        {
            yield return new OptionProblem("data.task", "regression is not possible with idx, whose labels are classes");
        }

        foreach ((string key, string? file, string? labels) in new[]
        {
            ("train", options.Train, options.TrainLabels),
            ("validation", options.Validation, options.ValidationLabels),
            ("test", options.Test, options.TestLabels),
        })
        {
            if (idx && !string.IsNullOrEmpty(file) && labels is null)
            {
                yield return new OptionProblem($"data.{key}Labels", $"is required for idx beside data.{key}");
            }

            if (labels is not null && (!idx || string.IsNullOrEmpty(file)))
            {
                yield return new OptionProblem($"data.{key}Labels", idx ? $"has no data.{key} that it belongs to" : "is for idx only; csv has its labels in data.target");
            }

            if (!string.IsNullOrEmpty(file) && paths.Find(file) is null)
            {
                yield return new OptionProblem($"data.{key}", paths.Missing(file));
            }

            if (idx && labels is not null && paths.Find(labels) is null)
            {
                yield return new OptionProblem($"data.{key}Labels", paths.Missing(labels));
            }
        }

        if (options.Validation is not null && options.ValidationFraction > 0)
        {
            yield return new OptionProblem("data.validationFraction", "must be 0 beside data.validation: the rows come from one of them");
        }

        if (options.Test is not null && options.TestFraction > 0)
        {
            yield return new OptionProblem("data.testFraction", "must be 0 beside data.test: the rows come from one of them");
        }

        if (options.ValidationFraction + options.TestFraction >= 1)
        {
            yield return new OptionProblem("data.testFraction", "and data.validationFraction must leave rows to train on: together less than 1");
        }
    }
}
