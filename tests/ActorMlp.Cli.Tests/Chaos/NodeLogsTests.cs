using ActorMlp.Cli.Chaos;

namespace ActorMlp.Cli.Tests.Chaos;

public sealed class NodeLogsTests
{
    [Fact]
    public void Steps_applied_are_those_of_the_first_part_that_ended_after_the_moment()
    {
        using var folder = new TemporaryFolder();
        const string Template = "node {0} of run {1} ends in view {2}: updates up to step {3} are applied here";
        string Line(int second, long steps) =>
            $$"""{"@t":"2026-01-01T00:00:{{second:00}}.5Z","@mt":"{{Template}}","0":2,"1":77,"2":3,"3":{{steps}}}""";
        folder.File("node-1-1.jsonl", $"{Line(10, 5)}\n{Line(30, 193)}\n{Line(50, 400)}\n{{\"@t\":\"2026-01");
        folder.File("node-2-2.jsonl", Line(31, 7));
        folder.File("node-11-3.jsonl", Line(29, 8));
        var logs = new NodeLogs(folder.Path);
        Assert.Equal(193, logs.StepsAppliedAtNextEnd(1, new DateTimeOffset(2026, 1, 1, 0, 0, 11, TimeSpan.Zero)));
        Assert.Null(logs.StepsAppliedAtNextEnd(1, new DateTimeOffset(2026, 1, 1, 0, 0, 51, TimeSpan.Zero)));
        Assert.Null(logs.StepsAppliedAtNextEnd(3, default));
    }
}
