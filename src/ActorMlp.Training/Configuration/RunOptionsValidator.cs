using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Networks;

namespace ActorMlp.Training.Configuration;

/// <summary>The rules of run files: ranges of single keys, and rules across keys.</summary>
public static class RunOptionsValidator
{
    /// <summary>Every key that breaks a rule, with the first one it breaks: ranges, then rules across keys.</summary>
    /// <param name="options">The run file.</param>
    /// <param name="paths">Where its relative paths lead.</param>
    public static IReadOnlyList<OptionProblem> Check(RunOptions options, DataPaths paths) =>
    [
        .. CheckRanges(options, "")
            .Concat(DataOptionsRules.Check(options.Data, paths))
            .Concat(CheckModel(options))
            .Concat(CheckTraining(options))
            .Concat(CheckEncoding(options.Training))
            .Concat(CheckVerification(options.Training))
            .Concat(CheckSecurity(options.Cluster))
            .Concat(ConsistencyRules.Check(options))
            .DistinctBy(problem => problem.Key),
    ];

    /// <summary>What a number may be, if it is out of its range; else null.</summary>
    public static string? OutOfRange(RangeAttribute range, object value)
    {
        double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        double minimum = Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture);
        double maximum = Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture);
        return number >= minimum && number <= maximum
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"is {value}; allowed: {range.Minimum} to {range.Maximum}");
    }

    private static IEnumerable<OptionProblem> CheckRanges(object section, string prefix)
    {
        foreach (PropertyInfo property in section.GetType().GetProperties().Where(property => property.CanWrite))
        {
            string key = prefix + JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            object? value = property.GetValue(section);
            RangeAttribute? range = property.GetCustomAttribute<RangeAttribute>();
            if (range is not null && value is IList list)
            {
                for (int i = 0; i < list.Count; i++)
                {
                    if (OutOfRange(range, list[i]!) is { } problem)
                    {
                        yield return new OptionProblem($"{key}[{i}]", problem);
                    }
                }
            }
            else if (range is not null && value is not null)
            {
                if (OutOfRange(range, value) is { } problem)
                {
                    yield return new OptionProblem(key, problem);
                }
            }
            else if (value is not null && property.PropertyType.Namespace?.EndsWith(".Configuration", StringComparison.Ordinal) == true
                && property.PropertyType.IsClass)
            {
                foreach (OptionProblem problem in CheckRanges(value, key + "."))
                {
                    yield return problem;
                }
            }
        }
    }

    private static IEnumerable<OptionProblem> CheckModel(RunOptions options)
    {
        ModelOptions model = options.Model;
        int hidden = model.Hidden.Count;
        if (model.Activation.Count != 1 && model.Activation.Count != hidden)
        {
            yield return new OptionProblem("model.activation", $"has {model.Activation.Count} values for {hidden} hidden layers; allowed: one for all, or one each");
        }

        if (model.Dropout.Count != 1 && model.Dropout.Count != hidden)
        {
            yield return new OptionProblem("model.dropout", $"has {model.Dropout.Count} values for {hidden} hidden layers; allowed: one for all, or one each");
        }

        if (model.Activation.Contains(ActivationKind.Softmax))
        {
            yield return new OptionProblem("model.activation", "softmax is for the output only (model.outputActivation)");
        }

        bool regression = options.Data.Task == DataTask.Regression;
        if (regression && model.Loss is { } loss and not LossKind.MeanSquaredError)
        {
            yield return new OptionProblem("model.loss", $"{Camel(loss)} needs classes; allowed for regression: meanSquaredError");
        }

        if (model.OutputActivation is { } output)
        {
            ActivationKind? asked = model.Loss switch
            {
                LossKind.BinaryCrossEntropy => ActivationKind.Sigmoid,
                LossKind.CategoricalCrossEntropy => ActivationKind.Softmax,
                _ => null,
            };
            if (asked is { } wanted && output != wanted)
            {
                yield return new OptionProblem("model.outputActivation", $"is {Camel(output)}; {Camel(model.Loss!.Value)} needs {Camel(wanted)}");
            }
            else if (output == ActivationKind.Softmax && model.Loss == LossKind.MeanSquaredError)
            {
                yield return new OptionProblem("model.outputActivation", "softmax goes with categoricalCrossEntropy only");
            }
            else if (model.Loss is null)
            {
                yield return new OptionProblem("model.outputActivation", "needs model.loss beside it; leave both out for what the task asks for");
            }
        }
    }

    private static IEnumerable<OptionProblem> CheckTraining(RunOptions options)
    {
        TrainingOptions training = options.Training;
        if (training.ShardsPerStep > 0 && !int.IsPow2(training.ShardsPerStep))
        {
            yield return new OptionProblem("training.shardsPerStep", $"is {training.ShardsPerStep}; allowed: a power of two");
        }

        if (training.ShardsPerStep > training.BatchSize)
        {
            yield return new OptionProblem("training.shardsPerStep", $"is {training.ShardsPerStep}, more than the {training.BatchSize} rows of training.batchSize");
        }

        bool validates = options.Data.Validation is not null || options.Data.ValidationFraction > 0;
        if (training.Keep == ModelSelection.Best && !validates)
        {
            yield return new OptionProblem("training.keep", "best needs validation rows: set data.validation or data.validationFraction");
        }

        if (training.Monitor == MonitorKind.Accuracy && options.Data.Task == DataTask.Regression)
        {
            yield return new OptionProblem("training.monitor", "accuracy needs classes; allowed for regression: loss");
        }

        if (training.Schedule.Minimum > training.Optimizer.LearningRate)
        {
            yield return new OptionProblem("training.schedule.minimum", $"is {training.Schedule.Minimum.ToString(CultureInfo.InvariantCulture)}, more than training.optimizer.learningRate");
        }
    }

    private static IEnumerable<OptionProblem> CheckEncoding(TrainingOptions training)
    {
        foreach ((string property, string problem) in TrainingSpecFactory.Encoding(training).Problems())
        {
            yield return new OptionProblem($"training.encoding.{JsonNamingPolicy.CamelCase.ConvertName(property)}", problem);
        }

        EncodingOptions encoding = training.Encoding;
        if (encoding.Kind != GradientEncodingKind.Float32 && (!int.IsPow2(encoding.Subtrees) || encoding.Subtrees > training.ShardsPerStep))
        {
            yield return new OptionProblem(
                "training.encoding.subtrees", $"is {encoding.Subtrees}; allowed: a power of two up to training.shardsPerStep ({training.ShardsPerStep})");
        }
    }

    private static IEnumerable<OptionProblem> CheckVerification(TrainingOptions training)
    {
        if (training.VerifyFraction > 0 && training.Encoding.Kind != GradientEncodingKind.Float32 && TrainingSpecFactory.Encoding(training).HasErrorFeedback)
        {
            yield return new OptionProblem(
                "training.verifyFraction",
                $"is {training.VerifyFraction.ToString(CultureInfo.InvariantCulture)}; with error feedback (training.encoding) a gradient depends on what its worker owes, which no other has: allowed is 0");
        }
    }

    /// <summary>Whether the files are there is asked where they are used: who trains without nodes need not have them.</summary>
    private static IEnumerable<OptionProblem> CheckSecurity(ClusterOptions cluster)
    {
        TlsOptions tls = cluster.Tls;
        if (tls.Certificate is null != tls.Authority is null)
        {
            yield return tls.Certificate is null
                ? new OptionProblem("cluster.tls.certificate", "is required beside cluster.tls.authority: the one proves this process, the other those it talks with")
                : new OptionProblem("cluster.tls.authority", "is required beside cluster.tls.certificate: the one proves those it talks with, the other this process");
        }

        if (tls is { CertificateKey: not null, Certificate: null })
        {
            yield return new OptionProblem("cluster.tls.certificateKey", "has no cluster.tls.certificate that it belongs to");
        }

        if (cluster.SecretFile is not null && tls is not { Certificate: null, Authority: null })
        {
            yield return new OptionProblem("cluster.secretFile", "and cluster.tls exclude each other: nodes know each other by the one or the other");
        }
    }

    private static string Camel<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
