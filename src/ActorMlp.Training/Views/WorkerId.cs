using MessagePack;

namespace ActorMlp.Training.Views;

/// <summary>A worker in one of its lives: a worker that is restarted comes back under the next incarnation.</summary>
/// <param name="Number">The worker's number, 0-based.</param>
/// <param name="Incarnation">How often it was restarted.</param>
[MessagePackObject]
public readonly record struct WorkerId([property: Key(0)] int Number, [property: Key(1)] int Incarnation)
{
    /// <inheritdoc/>
    public override string ToString() => Incarnation == 0 ? $"worker {Number}" : $"worker {Number} (restart {Incarnation})";
}
