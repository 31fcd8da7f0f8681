using ActorMlp.Cluster.Wire;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using CsCheck;

namespace ActorMlp.Cluster.Tests.Wire;

/// <summary>One message of each kind, with the bytes that it must have for ever, and generators of any.</summary>
internal static class WireSamples
{
    private static readonly WorkerId Worker = new(3, 1);

    private static readonly RunProgress Progress = new(
        70_000,
        new GradientTotals(100, 0.5, 90),
        new BestEpoch(2, new SplitMetrics { Loss = 0.25, Accuracy = 0.875 }),
        new SplitMetrics { Loss = 0.125, Rmse = 1.5, R2 = 0.75 },
        null,
        new LedgerSummary { ShardsCommitted = 560_000, ShardsReissued = 2, DuplicatesDropped = 1 });

    private static readonly CountedSubtree[] Counted = [new(0, new TreeNode(2, 0)), new(1, new TreeNode(2, 1))];

    private static readonly RedealtShards[] Redealt = [new(1, 4, 1, RedealReason.Lost)];

    private static readonly NodeHello Keeper = new("10.0.0.1:4053", "10.0.0.1:4054", "vector512", 8, ["worker"], "0.1.0");

    private static readonly RunFacts Facts = new(1000, 100, 0, 64, 10, 1);

    private static readonly NodeReport Report = new(2, "10.0.0.2:4053", "vector256", 4, 70_000, 1 << 20, 1 << 21);

    /// <summary>Manifest, message, bytes in hexadecimal.</summary>
    public static IReadOnlyList<(string Manifest, object Message, string Bytes)> All { get; } =
    [
        (
            "hello",
            new NodeHello("10.0.0.1:4053", "10.0.0.1:4054", "vector512", 8, ["worker"], "0.1.0"),
            "0196ad31302e302e302e313a34303533ad31302e302e302e313a34303534a9766563746f723531320891a6776f726b6572a5302e312e30"),
        ("ping", new Ping(7), "019107"),
        ("pong", new Pong(long.MaxValue), "0191cf7fffffffffffffff"),
        ("sub", new SubmitRun(7, "run-1", "{}", Facts, "{}", RunProgress.Start, Keeper, "/data", new DataOffer("ab", 7), null, 3, 65537), "019c07a572756e2d31a27b7d96cd03e86400400acb3ff0000000000000a27b7d96009300cb000000000000000000c0c0c09600000000000096ad31302e302e302e313a34303533ad31302e302e302e313a34303534a9766563746f723531320891a6776f726b6572a5302e312e30a52f6461746192a2616207c003ce00010001"),
        ("acc", new RunAccepted(7, 3), "01920703"),
        ("ref", new RunRefused(7, ["busy"]), "01920791a462757379"),
        ("prep", new PrepareRun(7, 2, "{}", "{}", Keeper, "/data", null), "01970702a27b7da27b7d96ad31302e302e302e313a34303533ad31302e302e302e313a34303534a9766563746f723531320891a6776f726b6572a5302e312e30a52f64617461c0"),
        ("dw", new DataWanted(7, Keeper), "01920796ad31302e302e302e313a34303533ad31302e302e302e313a34303534a9766563746f723531320891a6776f726b6572a5302e312e30"),
        ("dn", new DataNotSent(7, "gone"), "019207a4676f6e65"),
        ("res", new ResumeRun(7, 70_000, 65537), "019307ce00011170ce00010001"),
        ("nsr", new NoSuchRun(7, "10.0.0.2:4053"), "019207ad31302e302e302e323a34303533"),
        (
            "ctd",
            new CommitsTold(2, [new StepCommitted(5, new GradientTotals(128, 1.5, 100), 0.01, null, true, Counted, Redealt, 2, 3, 4)]),
            "019202919b0593cc80cb3ff800000000000064cb3f847ae147ae147bc0c3929200920200920192020191940104010002030400"),
        (
            "nst",
            new NodeStanding(2, Keeper, 4, new View(4, [new ShardRange(Worker, 0, 5)]), 7, true, true, true, [RunProgress.Start], [View.None]),
            "019a0296ad31302e302e302e313a34303533ad31302e302e302e313a34303534a9766563746f723531320891a6776f726b6572a5302e312e3004930491939203010005940000900007c3c3c39196009300cb000000000000000000c0c0c096000000000000919300909400009000"),
        ("pg", new ProcessGone("10.0.0.2:4053", 7), "0192ad31302e302e302e323a3430353307"),
        ("np", new NodePrepared(2, Keeper, 4), "01930296ad31302e302e302e313a34303533ad31302e302e302e313a34303534a9766563746f723531320891a6776f726b6572a5302e312e3004"),
        ("nr", new NodeRefused(2, "10.0.0.2:4053", ["file train.csv differs"]), "019302ad31302e302e302e323a3430353391b666696c6520747261696e2e6373762064696666657273"),
        ("mp", new MembersPublished([new RunMember(2, "10.0.0.2:4053", "10.0.0.2:4054", "vector256", 4)]), "0191919502ad31302e302e302e323a34303533ad31302e302e302e323a34303534a9766563746f7232353604"),
        ("rw", new RangesWanted(new Arrangement(3, 70_000, [new ParameterPiece(0, 0, 16), new ParameterPiece(1, 16, 48, 2)], 5)), "01919403ce000111709294000010ff940110300205"),
        ("nl", new NodeWantsToLeave("10.0.0.2:4053"), "0191ad31302e302e302e323a34303533"),
        ("rel", new NodeReleased("10.0.0.2:4053"), "0191ad31302e302e302e323a34303533"),
        ("lv", new LeaveCluster(), "0190"),
        ("end", new EndRun(), "0190"),
        ("nrep", Report, "019702ad31302e302e302e323a34303533a9766563746f7232353604ce00011170ce00100000ce00200000"),
        ("ask", new AskStatus(), "0190"),
        ("st", new ClusterStatus([new NodeStatus("10.0.0.2:4053", "up", ["worker"], true, 0, 4, 16, 12.5)], "run-1", 3, 70_000, 80_000, 1000), "01969198ad31302e302e302e323a34303533a2757091a6776f726b6572c3000410cb4029000000000000a572756e2d3103ce00011170ce00013880cb408f400000000000"),
        ("told", new ToldToKeeper(7, new RunFailed("disk full")), "019307a27266c40c0191a96469736b2066756c6c"),
        (
            "rc",
            new RunConcluded(new RunConclusion(RunStatus.Completed, RunProgress.Start, 2, null, null, "ab12", 1000), [Report]),
            "0192970096009300cb000000000000000000c0c0c09600000000000002c0c0a461623132cb408f400000000000919702ad31302e302e302e323a34303533a9766563746f7232353604ce00011170ce00100000ce00200000"),
        ("rf", new RunFailed("disk full"), "0191a96469736b2066756c6c"),
        ("rm", new RunMoves("lost"), "0191a46c6f7374"),
        ("na", new NodesAsked(["a:1"]), "019191a3613a31"),
        (
            "esc",
            new StepsCommitted(
            [
                new StepCommittedEvent(new StepMetrics { Step = 5, Epoch = 1, Loss = 0.5, Accuracy = 0.75, LearningRate = 0.125, GradientNorm = 2 })
                {
                    Account = new StepAccount(4, 3, new GradientTotals(128, 1.5, 100), Counted, 2, Redealt, 4),
                },
            ]),
            "01919192960501cb3fe0000000000000cb3fe8000000000000cb3fc0000000000000cb400000000000000098040393cc80cb3ff8000000000000649292009202009201920201029194010401000400"),
        (
            "eec",
            new EpochCompleted(new EpochMetrics
            {
                Epoch = 1,
                Step = 5,
                Train = new SplitMetrics { Loss = 0.5 },
                LearningRate = 0.125,
                Best = true,
                SamplesPerSecond = 1000,
                WallSeconds = 2,
            }),
            "019198010594cb3fe0000000000000c0c0c0c0cb3fc0000000000000c3cb408f400000000000cb4000000000000000"),
        ("evs", new ViewStands(new View(4, [new ShardRange(Worker, 0, 5)]), "a:1"), "01929304919392030100059400009000a3613a31"),
        ("ewc", new WorkerChanged(2, WorkerStatus.Left, 3, 0, 4, 400, 1), "01970203030004cd019001"),
        ("ecs", new CheckpointSaved(5, "last.safetensors"), "019205b06c6173742e7361666574656e736f7273"),
        ("err", new RunRewound(5, "a node is lost", true, 7), "019405ae61206e6f6465206973206c6f7374c307"),
        ("erw", new RunWaiting(1, 2, 0), "0193010200"),
        ("est", new StandbyTookOver(5, "a node is lost"), "019205ae61206e6f6465206973206c6f7374"),
        ("ect", new CoordinatorTookOver(5), "019105"),
        ("ers", new RunStalled(5, 1000), "019205cb408f400000000000"),
        ("wj", new WorkerJoined(Worker), "0191920301"),
        ("wf", new WorkerFailed(Worker, "no memory", true), "0193920301a96e6f206d656d6f7279c3"),
        (
            "sc",
            new StepCommitted(5, new GradientTotals(128, 1.5, 100), 0.01, null, true, Counted, Redealt, 2, 3, 4),
            "019b0593cc80cb3ff800000000000064cb3f847ae147ae147bc0c3929200920200920192020191940104010002030400"),
        ("sd", new StepDiverged(5, 1, double.NaN), "01930501cbfff8000000000000"),
        ("dd", new DuplicatesDiffer(5, new TreeNode(1, 3), Worker, new WorkerId(4, 0)), "019405920103920301920400"),
        (
            "be",
            new BlocksEvaluated(2, 16, [new EvaluationTotals(256, 1.5, 250, 0, 0, 0), new EvaluationTotals(10, 0.5, 0, 1.25, -2, 4)]),
            "019302109296cd0100cb3ff8000000000000ccfacb0000000000000000cb0000000000000000cb0000000000000000960acb3fe000000000000000cb3ff4000000000000cbc000000000000000cb4010000000000000"),
        (
            "cw",
            new CheckpointWritten(CheckpointKind.Best, 300, "runs/a/best.safetensors"),
            "019301cd012cb772756e732f612f626573742e7361666574656e736f7273"),
        ("cf", new CheckpointFailed("disk full"), "0191a96469736b2066756c6c"),
        ("sk", new StateKept(RunProgress.Start), "019196009300cb000000000000000000c0c0c096000000000000"),
        ("kh", new KeeperHeard(70_000), "0191ce00011170"),
        ("br", new BestRestored("ab12"), "0191a461623132"),
        ("sr", new StopRequested(), "0190"),
        ("rr", new RangeReady(2, 3), "01920203"),
        ("wp", new WorkerPace(Worker, 80, 0.5), "019392030150cb3fe0000000000000"),
        (
            "vp",
            new ViewPublished(new View(4, [new ShardRange(Worker, 0, 5), new ShardRange(new WorkerId(4, 0), 5, 8)]), 70_000),
            "01929304929392030100059392040005089400009000ce00011170"),
        ("so", new StepOpened(4, 70_000, [new TreeNode(0, 0), new TreeNode(2, 1)]), "019304ce0001117092920000920201"),
        ("ca", new ComputeAlso(4, 70_000, [new TreeNode(0, 0), new TreeNode(2, 1)]), "019304ce0001117092920000920201"),
        ("eb", new EvaluateBlocks(1, EvaluatedSplit.Test, 3, 9, 40), "01950101030928"),
        ("ct", new ContinueTraining(71_000, 4), "0192ce0001155804"),
        ("ht", new HoldTraining(4), "019104"),
        (
            "wc",
            new WriteCheckpoint(CheckpointKind.Last, Progress, KnownStep: 5),
            "01930096ce000111709364cb3fe00000000000005a920294cb3fd0000000000000cb3fec000000000000c0c094cb3fc0000000000000c0cb3ff8000000000000cb3fe8000000000000c096ce00088b80020100000005"),
        ("rb", new RestoreBest(70_000), "0191ce00011170"),
        ("pm", new PieceMeasured(3, 70_000, 16, [0.5, 0.25]), "019403ce000111701092cb3fe0000000000000cb3fd0000000000000"),
    ];

    /// <summary>Any message.</summary>
    public static Gen<object> Any { get; } = MakeGenerators();

    private static Gen<object> MakeGenerators()
    {
        Gen<int> count = Gen.Int[0, int.MaxValue];
        Gen<long> step = Gen.Long[0, long.MaxValue];
        Gen<double> real = Gen.Double;
        Gen<string> text = Gen.String[Gen.Char['\u0001', '\ud7ff'], 0, 40];
        Gen<WorkerId> worker = Gen.Select(count, count, (number, life) => new WorkerId(number, life));
        Gen<TreeNode> node = Gen.Select(Gen.Int[0, 20], Gen.Int[0, 1000], (level, index) => new TreeNode(level, index));
        Gen<GradientTotals> gradient = Gen.Select(step, real, step, (rows, loss, correct) => new GradientTotals(rows, loss, correct));
        Gen<EvaluationTotals> evaluation = Gen.Select(
            step, real, step, real, real, real, (rows, loss, correct, error, sum, square) => new EvaluationTotals(rows, loss, correct, error, sum, square));
        Gen<SplitMetrics> metrics = Gen.Select(
            real, real.Nullable(), real.Nullable(), (loss, accuracy, rmse) => new SplitMetrics { Loss = loss, Accuracy = accuracy, Rmse = rmse });
        Gen<RunProgress> progress = Gen.Select(
            step,
            gradient,
            metrics,
            Gen.Bool,
            step,
            (at, totals, split, has, ledger) => new RunProgress(
                at,
                totals,
                has ? new BestEpoch(1, split) : null,
                has ? null : split,
                split,
                new LedgerSummary { ShardsCommitted = ledger, ShardsReissued = 1, DuplicatesDropped = 0 }));
        Gen<ShardRange> range = Gen.Select(worker, count, count, (owner, first, end) => new ShardRange(owner, first, end));
        Gen<CountedSubtree> counted = Gen.Select(count, node, (number, where) => new CountedSubtree(number, where));
        Gen<RedealtShards> redealt = Gen.Select(count, count, count, Gen.Enum<RedealReason>(), (number, first, shards, why) => new RedealtShards(number, first, shards, why));
        return Gen.OneOf<object>(
            Gen.Select(text, text, text, count, text.Array[0, 3], text, (id, bulk, kernel, processors, roles, version) =>
                (object)new NodeHello(id, bulk, kernel, processors, roles, version)),
            step.Select(number => (object)new Ping(number)),
            worker.Select(who => (object)new WorkerJoined(who)),
            Gen.Select(worker, text, Gen.Bool, (who, reason, final) => (object)new WorkerFailed(who, reason, final)),
            Gen.Select(step, gradient, real, real.Nullable(), counted.Array[0, 5], redealt.Array[0, 3], (at, totals, rate, norm, who, again) =>
                (object)new StepCommitted(at, totals, rate, norm, true, who, again, 3, 9)),
            Gen.Select(step, count, gradient, counted.Array[0, 5], redealt.Array[0, 3], (at, view, totals, who, again) =>
                (object)new StepsCommitted(
                [
                    new StepCommittedEvent(new StepMetrics { Step = at, Epoch = 1, Loss = 0.5, LearningRate = 1 })
                    {
                        Account = again.Length == 0 ? null : new StepAccount(at, view, totals, who, 3, again),
                    },
                ])),
            Gen.Select(step, node, worker, worker, (at, where, first, second) => (object)new DuplicatesDiffer(at, where, first, second)),
            Gen.Select(count, count, evaluation.Array[0, 9], (number, first, totals) => (object)new BlocksEvaluated(number, first, totals)),
            Gen.Select(count, range.Array[0, 9], (number, ranges) => (object)new ViewPublished(new View(number, ranges))),
            Gen.Select(step, text, (number, reason) => (object)new ToldToKeeper(number, new RunFailed(reason))),
            Gen.Select(count, step, node.Array[0, 9], (view, at, present) => (object)new StepOpened(view, at, present)),
            Gen.Select(count, step, node.Array[0, 9], (view, at, late) => (object)new ComputeAlso(view, at, late)),
            Gen.Select(Gen.Enum<CheckpointKind>(), progress, (kind, at) => (object)new WriteCheckpoint(kind, at, at.Step)),
            Gen.Select(Gen.Enum<EvaluatedSplit>(), count, count, (split, first, end) => (object)new EvaluateBlocks(0, split, first, end, 7)));
    }
}
