using ActorMlp.Data;
using MessagePack;

namespace ActorMlp.Training.Runs;

/// <summary>What a run file does not say and the data do: with both, a run is known in numbers without its rows.</summary>
/// <param name="TrainingRows">Training rows.</param>
/// <param name="ValidationRows">Validation rows.</param>
/// <param name="TestRows">Test rows.</param>
/// <param name="Inputs">Inputs of the network.</param>
/// <param name="Classes">Classes; 0 in regression.</param>
/// <param name="TargetScale">Standard deviation by which a regression target was divided; 1 for none.</param>
[MessagePackObject]
public sealed record RunFacts(
    [property: Key(0)] int TrainingRows,
    [property: Key(1)] int ValidationRows,
    [property: Key(2)] int TestRows,
    [property: Key(3)] int Inputs,
    [property: Key(4)] int Classes,
    [property: Key(5)] double TargetScale)
{
    /// <summary>The facts of data that are loaded.</summary>
    public static RunFacts Of(LoadedData data) => new(
        data.Training.Rows,
        data.Validation?.Rows ?? 0,
        data.Test?.Rows ?? 0,
        data.Training.Inputs,
        data.Schema.Classes.Count,
        data.Preprocessing.TargetScale);
}
