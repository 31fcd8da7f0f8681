using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cluster.Runs;

/// <summary>Room for all weights and optimizer state of a run after some step, and what the encoding owes.</summary>
internal sealed class RunState
{
    private readonly SharedBuffer[] slots;
    private readonly IReadOnlyList<string> names;

    private RunState(RunSetup setup, SharedBuffers buffers, int? shares)
    {
        names = shares is { } workers ? setup.StateNamesOf(workers) : setup.StateNames;
        slots = [.. Enumerable.Range(0, 1 + names.Count).Select(_ => buffers.Rent())];
    }

    /// <summary>The weights, and all other state after them, in the order of <see cref="RunSetup.StateNames"/>.</summary>
    public IReadOnlyList<SharedBuffer> Slots => slots;

    /// <summary>A state that is still to come.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="buffers">Vectors of the run's length.</param>
    /// <param name="shares">Workers that a run that is made of shares was begun with; null for others.</param>
    public static RunState Awaited(RunSetup setup, SharedBuffers buffers, int? shares) => new(setup, buffers, shares);

    /// <summary>What a run begins with: weights from its seed, or what a checkpoint holds.</summary>
    /// <exception cref="StorageException">The checkpoint is not of this run.</exception>
    public static RunState Initial(RunSetup setup, SharedBuffers buffers, Checkpoint? resume, int? shares)
    {
        var state = new RunState(setup, buffers, shares);
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

    /// <summary>A checkpoint of it, which has its vectors: somebody is to <see cref="Retain"/> them until it is written.</summary>
    public CheckpointDraft Draft(RunSetup setup, RunProgress progress) => new(setup, slots[0].Floats, OptimizerSlots(), progress);

    /// <summary>One user of its vectors more.</summary>
    public void Retain() => Array.ForEach(slots, slot => slot.Retain());

    /// <summary>One user of its vectors less; when the last one has let go of them, they are used for another state.</summary>
    public void Release() => Array.ForEach(slots, slot => slot.Release());

    private OptimizerSlot[] OptimizerSlots() => [.. names.Select((name, i) => new OptimizerSlot(name, slots[i + 1].Floats))];
}
