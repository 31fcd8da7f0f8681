using ActorMlp.Data;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Audits;

/// <summary>
/// Goes through a ledger line by line: steps follow each other from 0, the counted subtrees of each are the tree, each was its worker's by a view of that
/// step, and every epoch sees every training row once.
/// </summary>
/// <param name="training">The run's configuration.</param>
public sealed class LedgerAuditor(TrainingOptions training)
{
    private readonly ViewHistory views = new();
    private readonly VerificationPlan verification = new(
        training.Seed,
        training.VerifyFraction,
        training.ShardsPerStep,
        training.Encoding.Kind == GradientEncodingKind.Float32 ? 1 : training.ShardsPerStep / training.Encoding.Subtrees);
    private readonly ContributionTally tally = new();
    private readonly List<RewindEntry> rewinds = [];
    private readonly List<long> resumed = [];
    private readonly List<GradientTotals> epochs = [];
    private StartLine? start;
    private StepPlan? plan;
    private RowsSeen? rows;
    private GradientTotals epoch;
    private IReadOnlyList<CountedSubtree>? tiled;

    /// <summary>Steps that hold.</summary>
    public long Steps { get; private set; }

    /// <summary>Results that were dropped.</summary>
    public long DuplicatesDropped { get; private set; }

    /// <summary>Shards that were dealt again.</summary>
    public long ShardsRedealt { get; private set; }

    /// <summary>Shards that two workers computed with the same bits.</summary>
    public long ShardsVerified { get; private set; }

    /// <summary>Shards that were computed in vain.</summary>
    public long ShardsInVain { get; private set; }

    /// <summary>Shards that the configuration has computed twice.</summary>
    public long ShardsToVerify { get; private set; }

    /// <summary>Rows of the steps that hold.</summary>
    public long Rows { get; private set; }

    /// <summary>Sums of each whole epoch, added in the order of steps.</summary>
    public IReadOnlyList<GradientTotals> Epochs => epochs;

    /// <summary>How the run started; null before its line.</summary>
    public StartLine? Start => start;

    /// <summary>Steps of the whole run; 0 before its start.</summary>
    public long TotalSteps => plan?.TotalSteps ?? 0;

    /// <summary>Who computed what.</summary>
    public IReadOnlyList<WorkerShare> Workers => tally.Workers;

    /// <summary>What was dealt again.</summary>
    public IReadOnlyList<RedealtEntry> Redealt => tally.Redealt;

    /// <summary>Returns to an earlier step.</summary>
    public IReadOnlyList<RewindEntry> Rewinds => rewinds;

    /// <summary>Steps that were committed where the run was resumed.</summary>
    public IReadOnlyList<long> ResumedAt => resumed;

    /// <summary>Enters the next line.</summary>
    /// <exception cref="AuditException">It does not hold.</exception>
    public void Enter(LedgerLine line)
    {
        if (start is null && line is not StartLine)
        {
            throw new AuditException("the start of the run was expected first");
        }

        switch (line)
        {
            case StartLine one:
                Enter(one);
                break;
            case MembersLine members:
                tally.Enter(members);
                break;
            case ViewLine view:
                Enter(view);
                break;
            case RewindLine rewind:
                Enter(rewind);
                break;
            case StepLine step:
                Enter(step);
                break;
        }
    }

    private void Enter(StartLine line)
    {
        if (line.TrainingRows <= 0)
        {
            throw new AuditException($"the run has {line.TrainingRows} training rows");
        }

        if (start is null)
        {
            plan = new StepPlan(line.TrainingRows, training.BatchSize, training.Epochs, training.Seed);
            rows = new RowsSeen(plan, line.TrainingRows, training.ShardsPerStep);
        }
        else if (line.TrainingRows != start.TrainingRows)
        {
            throw new AuditException($"the run is resumed with {line.TrainingRows} training rows; it began with {start.TrainingRows}");
        }

        if (line.StepsPerEpoch != plan!.StepsPerEpoch || line.Epochs != training.Epochs)
        {
            throw new AuditException(
                $"the run starts with {line.Epochs} epochs of {line.StepsPerEpoch} steps; by its configuration and {line.TrainingRows} training rows it has {training.Epochs} of {plan.StepsPerEpoch}");
        }

        // A start whose steps were taken out later, as the run went back behind it, stays as a part of the history.
        if (line.Step < Steps)
        {
            throw new AuditException($"the run is resumed at step {line.Step}, but {Steps} steps stand before");
        }

        if (start is not null)
        {
            resumed.Add(line.Step);
        }

        start ??= line;
        views.Clear();
        tally.ForgetNodes();
    }

    private void Enter(ViewLine line)
    {
        int at = 0;
        foreach (WorkerShards share in line.Shares)
        {
            if (share.First != at || share.Count <= 0)
            {
                throw new AuditException($"view {line.View} deals {share.Count} shards from {share.First} to worker {share.Worker}; expected some from shard {at}");
            }

            at += share.Count;
        }

        if (at != training.ShardsPerStep)
        {
            throw new AuditException($"view {line.View} deals {at} shards; the configuration has {training.ShardsPerStep}");
        }

        views.Enter(line);
    }

    private void Enter(RewindLine line)
    {
        if (line.Step < Steps || line.From < line.Step)
        {
            throw new AuditException($"the run goes back from {line.From} to {line.Step} steps, but {Steps} steps stand before");
        }

        rewinds.Add(new RewindEntry(line.Step, line.From - line.Step, line.Reason));
        views.GoOnFrom(line.View);
    }

    private void Enter(StepLine line)
    {
        StepAccount account = line.Account;
        if (account.Step != Steps)
        {
            throw new AuditException($"expected step {Steps}, found step {account.Step}");
        }

        if (account.Step >= plan!.TotalSteps)
        {
            throw new AuditException($"step {account.Step} is beyond the run, which has {plan.TotalSteps} steps");
        }

        int epochNumber = (int)(account.Step / plan.StepsPerEpoch) + 1;
        if (line.Epoch != epochNumber)
        {
            throw new AuditException($"step {account.Step} is of epoch {epochNumber}, not {line.Epoch}");
        }

        if (!ReferenceEquals(tiled, account.Counted))
        {
            CheckTiles(account);
            tiled = account.Counted;
        }

        views.Check(account.View, account.Counted, account.Redealt);
        CheckTotals(account);
        rows!.Enter(account.Step, account.Counted);
        tally.Enter(account, subtree => rows.RowsOf(account.Step, subtree.Node));
        Add(account);
    }

    private void CheckTiles(StepAccount account)
    {
        int at = 0;
        foreach (TreeNode node in account.Counted.Select(subtree => subtree.Node))
        {
            if (node.FirstShard > at)
            {
                throw new AuditException($"step {account.Step}: shard {at} is counted by nobody");
            }

            if (node.FirstShard < at)
            {
                throw new AuditException($"step {account.Step}: shard {node.FirstShard} is counted twice");
            }

            at = node.EndShard;
        }

        if (at != training.ShardsPerStep)
        {
            throw new AuditException(at < training.ShardsPerStep
                ? $"step {account.Step}: shard {at} is counted by nobody"
                : $"step {account.Step}: shard {training.ShardsPerStep} is counted; the configuration has {training.ShardsPerStep} shards per step");
        }
    }

    private void CheckTotals(StepAccount account)
    {
        int expected = rows!.RowsOf(account.Step);
        GradientTotals totals = account.Totals;
        if (totals.Rows != expected)
        {
            throw new AuditException($"step {account.Step} has {totals.Rows} rows; by the plan it has {expected}");
        }

        if (!double.IsFinite(totals.LossSum) || totals.Correct < 0 || totals.Correct > totals.Rows)
        {
            throw new AuditException($"step {account.Step} has {totals.Correct} hits among {totals.Rows} rows and the sum of losses {totals.LossSum:R}");
        }

        if (account.ShardsVerified < 0 || account.ShardsVerified > training.ShardsPerStep)
        {
            throw new AuditException($"step {account.Step} has {account.ShardsVerified} shards verified, of {training.ShardsPerStep}");
        }

        if (account.DuplicatesDropped < 0 || account.ShardsInVain < 0 || account.Redealt.Any(shards => shards.Count <= 0 || shards.First < 0 || shards.First + shards.Count > training.ShardsPerStep))
        {
            throw new AuditException($"step {account.Step} has no possible counts of what was dropped or dealt again");
        }
    }

    private void Add(StepAccount account)
    {
        Steps++;
        Rows += account.Totals.Rows;
        ShardsVerified += account.ShardsVerified;
        ShardsInVain += account.ShardsInVain;
        ShardsToVerify += verification.NodesOf(account.Step).Sum(node => node.ShardCount);
        DuplicatesDropped += account.DuplicatesDropped;
        ShardsRedealt += account.Redealt.Sum(shards => (long)shards.Count);
        epoch += account.Totals;
        if (Steps % plan!.StepsPerEpoch == 0)
        {
            epochs.Add(epoch);
            epoch = default;
        }
    }
}
