using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>What a parameter server wants done.</summary>
public abstract record ParameterServerEffect;

/// <summary>Tell the workers that a step is open.</summary>
/// <param name="Message">What to tell.</param>
public sealed record OpenStep(StepOpened Message) : ParameterServerEffect;

/// <summary>Complete the tree and apply the update, then hand in <see cref="UpdateApplied"/>.</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Parts">Gradient sums that cover the tree, left to right.</param>
/// <param name="Totals">Sums over the step's rows.</param>
public sealed record ApplyUpdate(long Step, GradientPart[] Parts, GradientTotals Totals) : ParameterServerEffect;

/// <summary>Tell the coordinator.</summary>
/// <param name="Message">What to tell.</param>
public sealed record TellCoordinator(ICoordinatorMessage Message) : ParameterServerEffect;

/// <summary>Copy weights and optimizer as they stand, then write them in the background, in order; <see cref="CheckpointWritten"/> follows.</summary>
/// <param name="Kind">Which checkpoint.</param>
/// <param name="Progress">What else it holds.</param>
public sealed record SaveCheckpoint(CheckpointKind Kind, RunProgress Progress) : ParameterServerEffect;

/// <summary>Load the weights of the best checkpoint, once it is written; <see cref="BestRestored"/> follows.</summary>
public sealed record LoadBest : ParameterServerEffect;

/// <summary>
/// A parameter server, decided: it opens a step, counts every shard exactly once, has the update applied, commits, and opens the next,
/// unless the run holds there. Results of older views are fenced off.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="firstStep">Steps committed already.</param>
public sealed class ParameterServerMachine(RunShape shape, long firstStep)
{
    private enum Phase
    {
        Held,
        Open,
        Updating,
    }

    private readonly StepLedger ledger = new(shape.Shards);
    private Phase phase = Phase.Held;
    private View active = View.None;
    private View newest = View.None;
    private long step = firstStep;
    private GradientTotals totals;
    private bool holdRequested;
    private int reissued;
    private int duplicates;

    /// <summary>The step in flight, or the next one.</summary>
    public long Step => step;

    /// <summary>A new view: at once if the step in flight lost one of its workers, else with the next step.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ViewPublished message)
    {
        if (message.View.Number <= newest.Number)
        {
            return [];
        }

        newest = message.View;
        return phase == Phase.Open && LostAnOwner() ? [ReopenInNewestView()] : [];
    }

    /// <summary>The coordinator lets the run go on.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ContinueTraining message)
    {
        if (phase != Phase.Held || message.Step != step)
        {
            return [];
        }

        holdRequested = false;
        return [Open()];
    }

    /// <summary>The coordinator wants the run to hold after the step in flight.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(HoldTraining message)
    {
        _ = message;
        holdRequested = true;
        return [];
    }

    /// <summary>A result: counted, dropped, or the proof that some machine computes wrongly.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(SubtreeComputed message)
    {
        if (message.Step != step || message.View < active.Number || phase != Phase.Open)
        {
            duplicates++;
            return [];
        }

        switch (ledger.Enter(message))
        {
            case LedgerEntry.Duplicate:
                duplicates++;
                return [];
            case LedgerEntry.Differs:
                WorkerId first = ledger.Parts.First(part => part.Node == message.Node).Worker;
                return [new TellCoordinator(new DuplicatesDiffer(step, message.Node, first, message.Worker))];
            case LedgerEntry.Counted when ledger.IsComplete:
                phase = Phase.Updating;
                totals = ledger.Totals();
                return [new ApplyUpdate(step, ledger.GradientParts(), totals)];
            default:
                return [];
        }
    }

    /// <summary>The update is applied: commit, and open the next step unless the run holds here.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(UpdateApplied message)
    {
        if (phase != Phase.Updating || message.Step != step)
        {
            return [];
        }

        int? diverged = message.Report.NonFiniteLayer ?? (double.IsFinite(totals.LossSum) ? null : shape.Layers - 1);
        if (diverged is { } layer)
        {
            phase = Phase.Held;
            return [new TellCoordinator(new StepDiverged(step, layer, totals.LossSum / totals.Rows))];
        }

        bool held = holdRequested || shape.HoldsAfter(step + 1) || step + 1 >= shape.TotalSteps;
        var committed = new TellCoordinator(new StepCommitted(
            step, totals, shape.LearningRate(step), message.Report.GradientNorm, held, Contributions(), reissued, duplicates));
        step++;
        reissued = 0;
        duplicates = 0;
        ledger.Clear();
        phase = Phase.Held;
        return held ? [committed] : [Open(), committed];
    }

    /// <summary>A checkpoint is asked for; only a held step has weights to write.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(WriteCheckpoint message) =>
        phase == Phase.Held ? [new SaveCheckpoint(message.Kind, message.Progress)] : [];

    /// <summary>The best epoch's weights are asked for; training is over.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(RestoreBest message)
    {
        _ = message;
        return phase == Phase.Held ? [new LoadBest()] : [];
    }

    private OpenStep Open()
    {
        phase = Phase.Open;
        active = newest;
        return new OpenStep(new StepOpened(active.Number, step, []));
    }

    private bool LostAnOwner()
    {
        for (int shard = 0; shard < shape.Shards; shard++)
        {
            if (!ledger.Has(shard) && (active.OwnerOf(shard) is not { } owner || newest.RangeOf(owner) is null))
            {
                return true;
            }
        }

        return false;
    }

    private OpenStep ReopenInNewestView()
    {
        for (int shard = 0; shard < shape.Shards; shard++)
        {
            if (!ledger.Has(shard) && active.OwnerOf(shard) is { } owner && newest.OwnerOf(shard) != owner)
            {
                reissued++;
            }
        }

        active = newest;
        return new OpenStep(new StepOpened(active.Number, step, ledger.Present));
    }

    private WorkerContribution[] Contributions() =>
        [.. ledger.Parts.GroupBy(part => part.Worker.Number)
            .Select(group => new WorkerContribution(group.Key, group.Sum(part => part.Node.ShardCount)))];
}
