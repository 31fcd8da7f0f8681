using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cluster.Runs;

/// <summary>Room for all weights and optimizer state of a run after some step, and what the encoding owes.</summary>
internal sealed class RunState
{
    private readonly SharedBuffer[] slots;
    private readonly IReadOnlyList<string> names;

    private RunState(RunSetup setup, int? shares)
    {
        names = shares is { } workers ? setup.StateNamesOf(workers) : setup.StateNames;
        var buffers = new SharedBuffers(setup.Network.Layout.Length);
        slots = [.. Enumerable.Range(0, 1 + names.Count).Select(_ => buffers.Rent())];
    }

    /// <summary>The weights, and all other state after them, in the order of <see cref="RunSetup.StateNames"/>.</summary>
    public IReadOnlyList<SharedBuffer> Slots => slots;

    /// <summary>A state that is still to come.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="shares">Workers that a run that is made of shares was begun with; null for others.</param>
    public static RunState Awaited(RunSetup setup, int? shares) => new(setup, shares);

    /// <summary>What a run begins with: weights from its seed, or what a checkpoint holds.</summary>
    /// <exception cref="StorageException">The checkpoint is not of this run.</exception>
    public static RunState Initial(RunSetup setup, Checkpoint? resume, int? shares)
    {
        var state = new RunState(setup, shares);
        foreach (SharedBuffer slot in state.slots)
        {
            slot.Span.Clear();
        }

        if (resume is null)
        {
            setup.Network.Initialize(setup.Options.Training.Seed, state.slots[0].Span);
        }

        resume?.Restore(setup, state.slots[0].Span, state.OptimizerSlots());
        return state;
    }

    /// <summary>A checkpoint of it.</summary>
    public Checkpoint Capture(RunSetup setup, RunProgress progress) =>
        Checkpoint.Capture(setup, slots[0].Span, OptimizerSlots(), progress);

    private OptimizerSlot[] OptimizerSlots() => [.. names.Select((name, i) => new OptimizerSlot(name, slots[i + 1].Floats))];
}
