using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Machines;

/// <content>Checkpoints: asked for, written, or not, and the best one read back.</content>
public sealed partial class CoordinatorMachine
{
    /// <summary>A checkpoint is on disk.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(CheckpointWritten message)
    {
        var effects = new List<CoordinatorEffect> { new Notify(new CheckpointSaved(message.Step, message.Path)) };
        effects.AddRange(Confirm(message));
        if (message.Kind == CheckpointKind.Last && saving is { } written && written.Step == message.Step)
        {
            (saved, saving) = (written, null);
            lastWritten = message.Step;
            effects.AddRange(phase switch
            {
                Phase.Stopping or Phase.Finishing => Conclude(),
                Phase.Settling => Arrange(),
                _ => (IReadOnlyList<CoordinatorEffect>)[],
            });
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
            (lastWritten, saving) = (-1, progress);
            EnterAsked(progress);
        }

        return new TellParameterServer(new WriteCheckpoint(kind, progress, saved.Step));
    }

    private TellParameterServer AskForBest() => new(new RestoreBest((long)progress.Best!.Epoch * shape.StepsPerEpoch));
}
