using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Runs;

/// <summary>Who computes a run.</summary>
/// <param name="Workers">Workers.</param>
/// <param name="Threads">Compute threads of all.</param>
/// <param name="Kernel">The instruction sets of their kernels.</param>
internal sealed record RunParty(int Workers, int Threads, string Kernel)
{
    /// <summary>Nodes that are in the run.</summary>
    public static RunParty Of(IReadOnlyList<RunMember> members) =>
        new(members.Count, members.Sum(member => member.Threads), Join(members.Select(member => member.Kernel)));

    /// <summary>Nodes that were in it.</summary>
    public static RunParty Of(IReadOnlyList<NodeReport> nodes) =>
        new(nodes.Count, nodes.Sum(node => node.Threads), Join(nodes.Select(node => node.Kernel)));

    private static string Join(IEnumerable<string> kernels) => string.Join(", ", kernels.Distinct().Order(StringComparer.Ordinal));
}

/// <summary>What is told of a run at its start and at its end.</summary>
internal static class RunSummaries
{
    public static RunSummary Of(
        RunSetup setup, string runId, RunConclusion conclusion, RunParty party, IReadOnlyList<NodeReport> nodes, string weights, TimeSpan elapsed) => new()
        {
            RunId = runId,
            Status = conclusion.Status,
            WeightsSha256 = weights,
            LastWeightsSha256 = conclusion.LastWeightsSha256 ?? weights,
            Steps = conclusion.Progress.Step,
            Epochs = (int)(conclusion.Progress.Step / setup.Shape.StepsPerEpoch),
            ModelEpoch = conclusion.ModelEpoch,
            Parameters = setup.Network.Layout.ParameterCount,
            Workers = party.Workers,
            Threads = party.Threads,
            Kernel = party.Kernel,
            SamplesPerSecond = conclusion.SamplesPerSecond,
            WallSeconds = elapsed.TotalSeconds,
            Train = conclusion.Progress.Train,
            Validation = conclusion.Validation,
            Test = conclusion.Test,
            Ledger = conclusion.Progress.Ledger,
            Nodes = [.. nodes.Select(Of)],
        };

    public static RunStarted Started(RunSetup setup, string runId, long firstStep, RunParty party) => new()
    {
        RunId = runId,
        Parameters = setup.Network.Layout.ParameterCount,
        LayerSizes = [setup.Network.Spec.Inputs, .. setup.Network.Spec.Layers.Select(layer => layer.Units)],
        TrainingRows = setup.Data.Training.Rows,
        ValidationRows = setup.Shape.ValidationRows,
        TestRows = setup.Shape.TestRows,
        Epochs = setup.Shape.Epochs,
        StepsPerEpoch = setup.Shape.StepsPerEpoch,
        FirstStep = firstStep,
        Workers = party.Workers,
        Threads = party.Threads,
        Kernel = party.Kernel,
    };

    private static NodeSummary Of(NodeReport node) => new()
    {
        Node = node.NodeId,
        Kernel = node.Kernel,
        Threads = node.Threads,
        Steps = node.Steps,
        GradientBytes = node.GradientBytes,
        WeightBytes = node.WeightBytes,
        BytesPerStep = node.Steps > 0 ? (double)(node.GradientBytes + node.WeightBytes) / node.Steps : 0,
    };
}
