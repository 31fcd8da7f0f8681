using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cluster.Runs;

/// <summary>All weights and optimizer state of a run after some step, with what the encoding owes; whole or still coming in.</summary>
internal sealed class RunState
{
    private readonly SharedBuffer[] slots;
    private readonly IReadOnlyList<string> names;
    private readonly HashSet<(int Slot, int Offset)> parts = [];
    private readonly long awaited;
    private long received;

    private RunState(RunSetup setup, long step, int? shares)
    {
        Step = step;
        names = shares is { } workers ? setup.StateNamesOf(workers) : setup.StateNames;
        int length = setup.Network.Layout.Length;
        var buffers = new SharedBuffers(length);
        slots = [.. Enumerable.Range(0, 1 + names.Count).Select(_ => buffers.Rent())];
        awaited = (long)slots.Length * length;
    }

    /// <summary>Steps committed in it.</summary>
    public long Step { get; }

    /// <summary>Whether all of it is there.</summary>
    public bool IsWhole => received == awaited;

    /// <summary>The weights, and all other state after them, in the order of <see cref="RunSetup.StateNames"/>.</summary>
    public IReadOnlyList<SharedBuffer> Slots => slots;

    /// <summary>A state that is still to come.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="step">Steps committed in it.</param>
    /// <param name="shares">Workers that a run that is made of shares was begun with; null for others.</param>
    public static RunState Awaited(RunSetup setup, long step, int? shares) => new(setup, step, shares);

    /// <summary>What a run begins with: weights from its seed, or what a checkpoint holds.</summary>
    /// <exception cref="StorageException">The checkpoint is not of this run.</exception>
    public static RunState Initial(RunSetup setup, Checkpoint? resume, int? shares)
    {
        var state = new RunState(setup, resume?.Progress.Step ?? 0, shares);
        foreach (SharedBuffer slot in state.slots)
        {
            slot.Span.Clear();
        }

        if (resume is null)
        {
            setup.Network.Initialize(setup.Options.Training.Seed, state.slots[0].Span);
        }

        resume?.Restore(setup, state.slots[0].Span, state.OptimizerSlots());
        state.received = state.awaited;
        return state;
    }

    /// <summary>Takes a part of it. A server that took over sends again what the one before it may have sent.</summary>
    public void Receive(int slot, int offset, ReadOnlySpan<float> values)
    {
        values.CopyTo(slots[slot].Span[offset..]);
        received += parts.Add((slot, offset)) ? values.Length : 0;
    }

    /// <summary>A checkpoint of it.</summary>
    public Checkpoint Capture(RunSetup setup, RunProgress progress) =>
        Checkpoint.Capture(setup, slots[0].Span, OptimizerSlots(), progress);

    private OptimizerSlot[] OptimizerSlots() => [.. names.Select((name, i) => new OptimizerSlot(name, slots[i + 1].Floats))];
}
