using ActorMlp.Training.Configuration;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>
/// A coordinator, decided: who belongs to the run, which view stands, when to evaluate, to write checkpoints and to end.
/// It is off the hot path: while training goes on it only keeps the account of what was committed.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="start">Where the run stands: at its start, or where a checkpoint left it.</param>
/// <param name="dealer">Deals the parameters to servers.</param>
/// <param name="lastView">The newest view that whoever keeps the run has heard of, perhaps nobody else: views of this coordinator are newer. 0 for none.</param>
public sealed partial class CoordinatorMachine(RunShape shape, RunProgress start, PieceDealer dealer, int lastView = 0)
{
    private enum Phase
    {
        /// <summary>Too few workers, or no parameter server.</summary>
        Gathering,

        /// <summary>Parameter servers take over their ranges.</summary>
        Arranging,

        /// <summary>Steps are open.</summary>
        Training,

        /// <summary>Training holds until whoever keeps the run has the state from which ranges are arranged anew.</summary>
        Settling,
        Evaluating,
        Stopping,
        Restoring,
        Finishing,
        Ended,
    }

    private readonly SortedDictionary<int, WorkerId> members = [];
    private readonly SortedDictionary<int, WorkerAccount> accounts = [];
    private readonly SortedSet<int> servers = [];
    private readonly HashSet<int> awaitedRanges = [];
    private readonly Dictionary<int, int> leaving = [];
    private readonly Dictionary<WorkerId, int> joinedIn = [];
    private readonly WorkerPaces paces = new();
    private readonly TrainingClock clock = new();
    private readonly RunProgress first = start;
    private RunProgress saved = start;
    private RunProgress? saving;
    private RunProgress progress = start;
    private Phase phase = Phase.Gathering;
    private View view = View.None with { Number = FirstViewAfter(lastView) };
    private EvaluationTally? evaluation;
    private int evaluations;
    private SplitMetrics? test;
    private bool stopRequested;
    private bool redeals;
    private RunRewound? rewound;
    private int? shares = shape.Shares;
    private long lastWritten = -1;
    private long lastAsked = -1;
    private TimeSpan lastHeard;
    private TimeSpan latest;
    private TimeSpan lastRepeated;
    private TimeSpan? typicalEvaluation;
    private TimeSpan longestStep;
    private int stalls;
    private int heardOf;
    private int heardBefore;
    private int lostIn;
    private bool someWait;
    private double learningRate;
    private string? lastWeightsSha256;

    /// <summary>The view that stands.</summary>
    public View View => view;

    /// <summary>What the run waits for before it begins, or goes on; null where it does not wait.</summary>
    public RunWaiting? Waiting => phase == Phase.Gathering ? new RunWaiting(members.Count, shape.Workers, servers.Count) : null;

    /// <summary>Where the run stands.</summary>
    public RunProgress Progress => progress;

    private bool EndsWithBest => shape.Keep == ModelSelection.Best && progress.Best is not null;

    /// <summary>A step is committed: enter it, and where training holds, do what it holds for.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(StepCommitted message, TimeSpan now)
    {
        if (phase != Phase.Training || message.Step != progress.Step || message.View < view.Arrangement.Number)
        {
            return [];
        }

        Hear(now);
        var effects = new List<CoordinatorEffect> { Enter(message) };
        (heardBefore, heardOf) = (heardOf, Math.Max(heardOf, message.View));
        effects.AddRange(Release(message.View));
        if (!message.Held)
        {
            return someWait && !shape.WorkersKeepResiduals ? [.. effects, .. ChangeView()] : effects;
        }

        clock.Hold(now);
        return [.. effects, .. DoWhatItHoldsFor(now)];
    }

    /// <summary>Evaluated blocks: when all are in, the epoch or the run is finished.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(BlocksEvaluated message, TimeSpan now)
    {
        if (evaluation is null)
        {
            return [];
        }

        Hear(now);
        evaluation.Enter(message, now);
        if (!evaluation.IsComplete)
        {
            return [];
        }

        typicalEvaluation = evaluation.Taken;
        SplitMetrics figures = shape.Measure(evaluation.Total());
        bool isTest = evaluation.Split == EvaluatedSplit.Test;
        evaluation = null;
        if (!isTest)
        {
            return FinishEpoch(figures, now);
        }

        test = figures;
        return Conclude();
    }

    /// <summary>Somebody wants the run to stop: after the step in flight, with a checkpoint.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(StopRequested message)
    {
        _ = message;
        stopRequested = true;
        switch (phase)
        {
            case Phase.Gathering:
                phase = Phase.Stopping;
                return [Save(CheckpointKind.Last)];
            case Phase.Training:
                return [new TellParameterServer(new HoldTraining(view.Number))];
            default:
                return [];
        }
    }

    /// <summary>The weights are no longer finite: the run fails, the last checkpoint stays.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(StepDiverged message)
    {
        phase = Phase.Ended;
        return
        [
            new FailRun(string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"training diverged at step {message.Step + 1} (epoch {shape.EpochOf(message.Step) + 1}): layer {message.Layer + 1} has numbers that are not finite, mean loss {message.LossMean:G6}; the last checkpoint stays; a smaller learning rate or training.clipNorm may help")),
        ];
    }

    /// <summary>Two results for one subtree differ: some machine computes wrongly, so the run fails and says which.</summary>
    public IReadOnlyList<CoordinatorEffect> Handle(DuplicatesDiffer message)
    {
        phase = Phase.Ended;
        return [new FailRun($"{message.First} and {message.Second} computed different gradients for {message.Node} of step {message.Step + 1}: one of them computes wrongly")];
    }

    /// <summary>
    /// How long a run may stand still before it is taken to have lost a message: several times its longest step; longer while none is known, and in evaluations, which are begun anew then;
    /// and four times as long each time that was wrong.
    /// </summary>
    private TimeSpan Patience
    {
        get
        {
            TimeSpan least = phase == Phase.Evaluating || longestStep == TimeSpan.Zero ? shape.Patience * 4 : shape.Patience;
            return (longestStep * 10 > least ? longestStep * 10 : least) * (1 << (2 * Math.Min(stalls, 8)));
        }
    }

    private void Hear(TimeSpan now)
    {
        if (phase == Phase.Training && stalls == 0 && now - lastHeard > longestStep)
        {
            longestStep = now - lastHeard;
        }

        (lastHeard, latest, stalls) = (now, now, 0);
    }

    private IReadOnlyList<CoordinatorEffect> DoWhatItHoldsFor(TimeSpan now) =>
        !shape.EndsEpoch(progress.Step) ? [Save(CheckpointKind.Last), .. GoOn(now)]
        : shape.ValidationRows > 0 ? Evaluate(EvaluatedSplit.Validation)
        : FinishEpoch(null, now);

    private IReadOnlyList<CoordinatorEffect> Begin(TimeSpan now) =>
        progress.Step >= shape.TotalSteps ? AfterLastEpoch() : GoOn(now);

    /// <summary>Enters a step, and tells of it.</summary>
    private Notify Enter(StepCommitted message)
    {
        learningRate = message.LearningRate;
        clock.Count(message.Totals.Rows);
        foreach (CountedSubtree subtree in message.Contributions)
        {
            // A coordinator that took the run over may not have met everybody.
            if (!accounts.TryGetValue(subtree.Worker, out WorkerAccount? account))
            {
                accounts[subtree.Worker] = account = new WorkerAccount { Status = WorkerStatus.Lost };
            }

            account.Shards += subtree.Node.ShardCount;
        }

        var entry = new StepAccount(
            message.Step, message.View, message.Totals, message.Contributions, message.DuplicatesDropped, message.Redealt, message.ShardsVerified, message.ShardsInVain);
        progress = progress with
        {
            Step = message.Step + 1,
            EpochTotals = progress.EpochTotals + message.Totals,
            Ledger = progress.Ledger.With(
                entry, shape.MayDropShards ? message.Contributions.Sum(contribution => contribution.Node.ShardCount) : shape.Shards),
        };
        return new Notify(new StepCommittedEvent(StepFigures(message)) { Account = shape.KeepsLedger ? entry : null });
    }

    private StepMetrics StepFigures(StepCommitted message)
    {
        SplitMetrics figures = shape.Measure(message.Totals);
        return new StepMetrics
        {
            Step = message.Step + 1,
            Epoch = shape.EpochOf(message.Step) + 1,
            Loss = figures.Loss,
            Accuracy = figures.Accuracy,
            LearningRate = message.LearningRate,
            GradientNorm = message.GradientNorm,
        };
    }

    private List<CoordinatorEffect> FinishEpoch(SplitMetrics? validation, TimeSpan now)
    {
        int epoch = (int)(progress.Step / shape.StepsPerEpoch);
        bool best = validation is not null && (progress.Best is null || shape.Beats(validation, progress.Best.Validation));
        SplitMetrics train = shape.Measure(progress.EpochTotals);
        progress = progress with
        {
            EpochTotals = default,
            Train = train,
            Validation = validation,
            Best = best ? new BestEpoch(epoch, validation!) : progress.Best,
        };
        List<CoordinatorEffect> effects = [TellEpoch(now), .. ReportWorkers()];
        if (best)
        {
            effects.Add(Save(CheckpointKind.Best));
        }

        effects.Add(Save(CheckpointKind.Last));
        effects.AddRange(progress.Step >= shape.TotalSteps ? AfterLastEpoch() : GoOn(now));
        return effects;
    }

    /// <summary>Tells of the epoch that has just ended, and whose figures are entered.</summary>
    private Notify TellEpoch(TimeSpan now)
    {
        int epoch = (int)(progress.Step / shape.StepsPerEpoch);
        (double samplesPerSecond, double wallSeconds) = clock.EndEpoch(now);
        return new Notify(new EpochCompleted(new EpochMetrics
        {
            Epoch = epoch,
            Step = progress.Step,
            Train = progress.Train!,
            Validation = progress.Validation,
            LearningRate = learningRate,
            Best = progress.Best?.Epoch == epoch,
            SamplesPerSecond = samplesPerSecond,
            WallSeconds = wallSeconds,
        }));
    }

    private IReadOnlyList<CoordinatorEffect> GoOn(TimeSpan now)
    {
        if (stopRequested)
        {
            phase = Phase.Stopping;
            return Conclude();
        }

        if (IsArrangementStale)
        {
            phase = Phase.Settling;
            return saving is not null ? [] : Arrange();
        }

        phase = Phase.Training;
        lastHeard = now;
        clock.Start(now);
        return [new TellParameterServer(new ContinueTraining(progress.Step, view.Number))];
    }

    private IReadOnlyList<CoordinatorEffect> AfterLastEpoch()
    {
        if (!EndsWithBest)
        {
            return Test();
        }

        phase = Phase.Restoring;
        return [AskForBest()];
    }

    private IReadOnlyList<CoordinatorEffect> Test()
    {
        if (shape.TestRows > 0)
        {
            return Evaluate(EvaluatedSplit.Test);
        }

        return Conclude();
    }

    private IReadOnlyList<CoordinatorEffect> Evaluate(EvaluatedSplit split)
    {
        phase = Phase.Evaluating;
        long weightsStep = split == EvaluatedSplit.Test && EndsWithBest ? shape.TotalSteps + 1 : progress.Step;
        evaluation = new EvaluationTally(++evaluations, split, shape.RowsOf(split), weightsStep);
        return evaluation.Deal(Present, latest);
    }

    /// <summary>The end, once the last checkpoint is on disk.</summary>
    private IReadOnlyList<CoordinatorEffect> Conclude()
    {
        if (phase != Phase.Stopping)
        {
            phase = Phase.Finishing;
        }

        if (lastWritten != progress.Step && !(phase == Phase.Finishing && first.Step == progress.Step))
        {
            return lastAsked == progress.Step ? [] : [Save(CheckpointKind.Last)];
        }

        RunStatus status = phase == Phase.Stopping ? RunStatus.Stopped : RunStatus.Completed;
        phase = Phase.Ended;
        bool isBest = status == RunStatus.Completed && EndsWithBest;
        return
        [
            new ConcludeRun(new RunConclusion(
                status,
                progress,
                isBest ? progress.Best!.Epoch : (int)(progress.Step / shape.StepsPerEpoch),
                isBest ? progress.Best!.Validation : progress.Validation,
                test,
                lastWeightsSha256,
                clock.SamplesPerSecond)),
        ];
    }
}
