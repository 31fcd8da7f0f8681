using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Runs;

/// <summary>Summaries of runs on a cluster.</summary>
internal static class RunSummaries
{
    public static RunSummary Of(RunSetup setup, string runId, KeptRun kept, string weights, TimeSpan elapsed)
    {
        RunConclusion conclusion = kept.Conclusion;
        return new RunSummary
        {
            RunId = runId,
            Status = conclusion.Status,
            WeightsSha256 = weights,
            LastWeightsSha256 = conclusion.LastWeightsSha256 ?? weights,
            Steps = conclusion.Progress.Step,
            Epochs = (int)(conclusion.Progress.Step / setup.Shape.StepsPerEpoch),
            ModelEpoch = conclusion.ModelEpoch,
            Parameters = setup.Network.Layout.ParameterCount,
            Workers = kept.Nodes.Count,
            Threads = kept.Nodes.Sum(node => node.Threads),
            Kernel = string.Join(", ", kept.Nodes.Select(node => node.Kernel).Distinct().Order(StringComparer.Ordinal)),
            SamplesPerSecond = conclusion.SamplesPerSecond,
            WallSeconds = elapsed.TotalSeconds,
            Train = conclusion.Progress.Train,
            Validation = conclusion.Validation,
            Test = conclusion.Test,
            Ledger = conclusion.Progress.Ledger,
            Nodes = [.. kept.Nodes.Select(Of)],
        };
    }

    public static RunStarted Started(RunSetup setup, string runId, long firstStep, IReadOnlyList<RunMember> members) => new()
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
        Workers = members.Count,
        Threads = members.Sum(member => member.Threads),
        Kernel = string.Join(", ", members.Select(member => member.Kernel).Distinct().Order(StringComparer.Ordinal)),
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
