using ActorMlp.Engine.Batches;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

public sealed class EvaluationTallyTests
{
    private static readonly WorkerId[] Workers = [new(0, 0), new(1, 0), new(2, 0)];

    [Fact]
    public void Late_blocks_are_dealt_to_those_who_are_done_and_count_once()
    {
        EvaluationTally tally = NewTally(blocks: 6);
        Assert.Equal([(0, 0, 2), (1, 2, 4), (2, 4, 6)], Shares(tally.Deal(Workers, At(0))));
        tally.Enter(Result(0, 1, 10), At(20));
        Assert.Null(tally.Taken);
        tally.Enter(Result(1, 1, 10), At(40));
        tally.Enter(Result(2, 2, 10), At(50));
        Assert.Equal(At(50), tally.Taken);
        Assert.Empty(tally.Help(At(150), At(150)));
        Assert.Equal([(0, 4, 5), (1, 5, 6)], Shares(tally.Help(At(150), At(151))));
        Assert.Empty(tally.Help(At(150), At(200)));

        // The copy of whoever was late comes after the helper's, and counts for nothing.
        tally.Enter(Result(4, 1, 10), At(160));
        tally.Enter(Result(4, 2, 10), At(170));
        Assert.True(tally.IsComplete);
        Assert.Equal(60, tally.Total().Rows);
    }

    [Fact]
    public void Those_who_had_nothing_to_do_help_too()
    {
        EvaluationTally tally = NewTally(blocks: 1);
        Assert.Equal([(2, 0, 1)], Shares(tally.Deal(Workers, At(0))));
        Assert.Equal([(1, 0, 1)], Shares(tally.Help(At(150), At(151))));
    }

    [Fact]
    public void Nobody_helps_where_everybody_is_late()
    {
        EvaluationTally tally = NewTally(blocks: 3);
        tally.Deal(Workers, At(0));
        Assert.Empty(tally.Help(At(150), At(10_000)));
    }

    private static EvaluationTally NewTally(int blocks) => new(1, EvaluatedSplit.Validation, blocks * EvaluationBlock.Rows, 5);

    private static TimeSpan At(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private static BlocksEvaluated Result(int first, int count, long rows) =>
        new(1, first, [.. Enumerable.Range(0, count).Select(_ => new EvaluationTotals(rows, 0, 0, 0, 0, 0))]);

    private static IEnumerable<(int Worker, int First, int End)> Shares(IEnumerable<TellWorker> dealt) => dealt.Select(tell =>
        (tell.Worker.Number, ((EvaluateBlocks)tell.Message).FirstBlock, ((EvaluateBlocks)tell.Message).EndBlock));
}
