using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Search;

namespace ActorMlp.Training.Tests.Simulation;

/// <summary>Runs that are made of shares under random faults of every kind: they end, every update in the log is applied once, and a replay of the log gives their weights.</summary>
public sealed class ShareSearchTests
{
    [Fact]
    public void Random_faults_of_all_kinds_break_no_run_of_any_mode()
    {
        var runs = new Dictionary<ConsistencyMode, int>();
        int rewound = 0, redealt = 0;
        foreach (SearchCase one in Cases(1, 3000))
        {
            (SimulationResult? result, string? problem) = one.Run();
            Assert.True(problem is null, $"seed {one.Seed}: {problem}");
            ConsistencyMode mode = one.Model.Shape.Sharing!.Rule.Mode;
            runs[mode] = runs.GetValueOrDefault(mode) + 1;
            rewound += result!.Events.OfType<RunRewound>().Count();
            redealt += result.Conclusion!.Progress.Ledger.ShardsReissued > 0 ? 1 : 0;
        }

        Assert.Equal(4, runs.Count);
        Assert.All(runs.Values, count => Assert.True(count > 100, $"only {count} runs of one mode"));
        Assert.True(rewound > 100, $"only {rewound} runs went back to a checkpoint");
        Assert.True(redealt > 100, $"shares were computed by others in {redealt} runs only");
    }

    [Theory]
    [InlineData(12_225)]
    [InlineData(15_493)]
    [InlineData(23_894)]
    [InlineData(39_763)]
    [InlineData(40_473)]
    [InlineData(187_336)]
    public void Seeds_that_failed_once_hold(int seed) => Assert.Null(SearchCase.Of((ulong)seed).FindProblem());

    [Fact]
    public void Local_ends_with_the_weights_of_the_run_that_nothing_disturbed()
    {
        int compared = 0;
        foreach (SearchCase one in Cases(3001, 4000).Where(one => one.Model.Shape.Sharing!.Rule.Mode == ConsistencyMode.Local))
        {
            SimulationResult disturbed = one.Run().Result!;
            SimulationResult quiet = one.With(Training.Faults.FaultScript.None).Run().Result!;
            if (disturbed.Shares == quiet.Shares)
            {
                Assert.True(quiet.Weights.AsSpan().SequenceEqual(disturbed.Weights), $"seed {one.Seed}");
                compared++;
            }
        }

        Assert.True(compared > 30, $"only {compared} runs began with the same workers");
    }

    [Fact]
    public void Same_seed_gives_the_same_run()
    {
        foreach (SearchCase one in Cases(1, 60))
        {
            SimulationResult first = one.Run().Result!, second = one.Run().Result!;
            Assert.Equal(first.EventCount, second.EventCount);
            Assert.Equal(first.Updates.Select(update => (update.Sequence, update.Version)), second.Updates.Select(update => (update.Sequence, update.Version)));
        }
    }

    private static IEnumerable<SearchCase> Cases(ulong first, ulong last)
    {
        for (ulong seed = first; seed <= last; seed++)
        {
            if (SearchCase.Of(seed) is { Model.Shape.Sharing: not null } one)
            {
                yield return one;
            }
        }
    }
}
