using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Machines;

/// <summary>Which parts of a state have arrived.</summary>
/// <param name="awaited">Floats that are still to come.</param>
internal sealed class StateAccount(long awaited)
{
    private readonly HashSet<(int Vector, int Offset)> parts = [];
    private long missing = awaited;

    /// <summary>Whether all of it is here.</summary>
    public bool IsWhole => missing == 0;

    /// <summary>A part is here. A server that took over sends again what the one before it may have sent.</summary>
    public void Enter(StateArrived message) => missing -= parts.Add((message.Vector, message.Offset)) ? message.Length : 0;
}
