using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Simulation.Search;

/// <summary>What was told of a run's epochs: the figures of each of them once, in order; those of a step that the run goes back behind are told again.</summary>
internal static class ToldEpochs
{
    /// <summary>What does not hold of a run that has completed; null for nothing.</summary>
    public static string? FindProblem(RunShape shape, IReadOnlyList<RunEvent> events)
    {
        var told = new List<int>();
        foreach (RunEvent one in events)
        {
            switch (one)
            {
                case EpochCompleted { Metrics: var figures }:
                    told.Add(figures.Epoch);
                    break;
                case RunRewound rewound:
                    told.RemoveAll(epoch => epoch * (long)shape.StepsPerEpoch > rewound.Step);
                    break;
            }
        }

        return told.SequenceEqual(Enumerable.Range(1, shape.Epochs)) ? null : $"of {shape.Epochs} epochs those told of are {string.Join(", ", told)}";
    }
}
