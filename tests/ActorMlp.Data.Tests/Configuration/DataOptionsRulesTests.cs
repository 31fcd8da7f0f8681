using ActorMlp.Data.Configuration;

namespace ActorMlp.Data.Tests.Configuration;

public sealed class DataOptionsRulesTests : IDisposable
{
    private readonly TestFolder folder = new();

    public DataOptionsRulesTests()
    {
        folder.Write("rows", "");
        folder.Write("labels", "");
    }

    private static DataOptions Csv { get; } = new() { Train = "rows", Target = "kind" };

    private static DataOptions Idx { get; } = new() { Format = DataFormat.Idx, Train = "rows", TrainLabels = "labels" };

    /// <summary>Options that break one rule, the key that is named, and a part of what is said.</summary>
    public static TheoryData<DataOptions, string, string> BrokenRules { get; } = new()
    {
        { Csv with { Train = "" }, "data.train", "is required" },
        { Csv with { Target = null }, "data.target", "is required for csv" },
        { Csv with { Target = "" }, "data.target", "is required for csv" },
        { Idx with { Target = "kind" }, "data.target", "csv only" },
        { Idx with { Task = DataTask.Regression }, "data.task", "regression is not possible" },
        { Idx with { TrainLabels = null }, "data.trainLabels", "is required for idx beside data.train" },
        { Idx with { Test = "rows" }, "data.testLabels", "is required for idx beside data.test" },
        { Idx with { Validation = "rows" }, "data.validationLabels", "is required for idx beside data.validation" },
        { Idx with { TestLabels = "labels" }, "data.testLabels", "has no data.test" },
        { Csv with { TrainLabels = "labels" }, "data.trainLabels", "idx only" },
        { Csv with { Train = "none" }, "data.train", "no such file" },
        { Csv with { Validation = "none" }, "data.validation", "no such file" },
        { Csv with { Test = "none" }, "data.test", "no such file" },
        { Idx with { TrainLabels = "none" }, "data.trainLabels", "no such file" },
        { Csv with { Validation = "rows", ValidationFraction = 0.1 }, "data.validationFraction", "must be 0" },
        { Csv with { Test = "rows", TestFraction = 0.1 }, "data.testFraction", "must be 0" },
        { Csv with { ValidationFraction = 0.5, TestFraction = 0.5 }, "data.testFraction", "less than 1" },
    };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Check_whole_options_break_no_rule()
    {
        Assert.Empty(Check(Csv with { ValidationFraction = 0.1, TestFraction = 0.1 }));
        Assert.Empty(Check(Csv with { Validation = "rows", Test = "rows" }));
        Assert.Empty(Check(Idx with { Test = "rows", TestLabels = "labels", ValidationFraction = 0.1 }));
    }

    [Theory]
    [MemberData(nameof(BrokenRules), DisableDiscoveryEnumeration = true)]
    public void Check_one_broken_rule_names_its_key(DataOptions options, string key, string message)
    {
        OptionProblem problem = Assert.Single(Check(options));

        Assert.Equal(key, problem.Key);
        Assert.Contains(message, problem.Message);
    }

    [Fact]
    public void Check_several_broken_rules_are_named_at_once()
    {
        IEnumerable<OptionProblem> problems = Check(new DataOptions { Test = "none", TestFraction = 0.5, ValidationFraction = 0.6 });

        Assert.Equal(
            ["data.train", "data.target", "data.test", "data.testFraction", "data.testFraction"],
            problems.Select(problem => problem.Key));
    }

    private IEnumerable<OptionProblem> Check(DataOptions options) => DataOptionsRules.Check(options, folder.Paths);
}
