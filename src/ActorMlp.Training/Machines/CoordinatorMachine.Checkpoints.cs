using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Machines;

/// <content>Checkpoints: asked for, written, or not, and the best one read back.</content>
public sealed partial class CoordinatorMachine
{
    /// <summary>
    /// Whoever keeps the run has the state of a checkpoint: nothing before it is trained again, so ranges may be arranged anew. Where the run goes back it goes to the newest such state, even
    /// if its word comes late: servers are given no older one, and the word is said again.
    /// </summary>
    public IReadOnlyList<CoordinatorEffect> Handle(StateKept message) => message.Progress.Step > saved.Step ? Keep(message.Progress) : [];

    /// <summary>A checkpoint is on disk: a run that ends may end.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(CheckpointWritten message)
    {
        var effects = new List<CoordinatorEffect> { new Notify(new CheckpointSaved(message.Step, message.Path)) };
        if (message.Kind != CheckpointKind.Last)
        {
            return effects;
        }

        lastWritten = Math.Max(lastWritten, message.Step);
        if (saving is { } own && own.Step == message.Step)
        {
            // Where no other process keeps the run nothing was said before.
            effects.AddRange(Keep(own));
        }

        if (phase is Phase.Stopping or Phase.Finishing && lastWritten == progress.Step)
        {
            effects.AddRange(Conclude());
        }

        return effects;
    }

    /// <summary>A checkpoint could not be written: the run fails, the older one stays.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(CheckpointFailed message)
    {
        phase = Phase.Ended;
        return [new FailRun($"no checkpoint could be written: {message.Reason}; the one before it is whole, and resumes the run")];
    }

    /// <summary>The best epoch's weights stand: test them.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(BestRestored message)
    {
        lastWeightsSha256 = message.LastWeightsSha256;
        return phase == Phase.Restoring ? Test() : [];
    }

    private TellParameterServer Save(CheckpointKind kind)
    {
        if (kind == CheckpointKind.Last)
        {
            (lastWritten, lastAsked, saving) = (-1, progress.Step, progress);
        }

        return new TellParameterServer(new WriteCheckpoint(kind, progress, saved.Step));
    }

    private IReadOnlyList<CoordinatorEffect> Keep(RunProgress kept)
    {
        saved = kept;
        if (saving is { } own && own.Step <= kept.Step)
        {
            saving = null;
        }

        return rewound is { } going ? Rewind(going.Reason, lastHeard)
            : phase == Phase.Settling && saved.Step == progress.Step ? Arrange()
            : [];
    }

    private TellParameterServer AskForBest() => new(new RestoreBest((long)progress.Best!.Epoch * shape.StepsPerEpoch));
}
