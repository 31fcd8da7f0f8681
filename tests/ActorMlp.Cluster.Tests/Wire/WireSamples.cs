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

    /// <summary>Manifest, message, bytes in hexadecimal.</summary>
    public static IReadOnlyList<(string Manifest, object Message, string Bytes)> All { get; } =
    [
        (
            "hello",
            new NodeHello("10.0.0.1:4053", "10.0.0.1:4054", "vector512", 8, ["worker"], "0.1.0"),
            "0196ad31302e302e302e313a34303533ad31302e302e302e313a34303534a9766563746f723531320891a6776f726b6572a5302e312e30"),
        ("ping", new Ping(7), "019107"),
        ("pong", new Pong(long.MaxValue), "0191cf7fffffffffffffff"),
        ("wj", new WorkerJoined(Worker), "0191920301"),
        ("wf", new WorkerFailed(Worker, "no memory", true), "0193920301a96e6f206d656d6f7279c3"),
        (
            "sc",
            new StepCommitted(5, new GradientTotals(128, 1.5, 100), 0.01, null, true, [new WorkerContribution(0, 4), new WorkerContribution(1, 4)], 1, 2, 3),
            "01990593cc80cb3ff800000000000064cb3f847ae147ae147bc0c392920004920104010203"),
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
        ("br", new BestRestored("ab12"), "0191a461623132"),
        ("sr", new StopRequested(), "0190"),
        (
            "vp",
            new ViewPublished(new View(4, [new ShardRange(Worker, 0, 5), new ShardRange(new WorkerId(4, 0), 5, 8)])),
            "019193049293920301000593920400050893000090"),
        ("so", new StepOpened(4, 70_000, [new TreeNode(0, 0), new TreeNode(2, 1)]), "019304ce0001117092920000920201"),
        ("eb", new EvaluateBlocks(1, EvaluatedSplit.Test, 3, 9, 40), "01950101030928"),
        ("ct", new ContinueTraining(71_000), "0191ce00011558"),
        ("ht", new HoldTraining(), "0190"),
        (
            "wc",
            new WriteCheckpoint(CheckpointKind.Last, Progress),
            "01920096ce000111709364cb3fe00000000000005a920294cb3fd0000000000000cb3fec000000000000c0c094cb3fc0000000000000c0cb3ff8000000000000cb3fe8000000000000c093ce00088b800201"),
        ("rb", new RestoreBest(), "0190"),
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
        return Gen.OneOf<object>(
            Gen.Select(text, text, text, count, text.Array[0, 3], text, (id, bulk, kernel, processors, roles, version) =>
                (object)new NodeHello(id, bulk, kernel, processors, roles, version)),
            step.Select(number => (object)new Ping(number)),
            worker.Select(who => (object)new WorkerJoined(who)),
            Gen.Select(worker, text, Gen.Bool, (who, reason, final) => (object)new WorkerFailed(who, reason, final)),
            Gen.Select(step, gradient, real, real.Nullable(), Gen.Bool, worker.Array[0, 5], (at, totals, rate, norm, held, who) =>
                (object)new StepCommitted(at, totals, rate, norm, held, [.. who.Select(one => new WorkerContribution(one.Number, one.Incarnation))], 0, 3, 9)),
            Gen.Select(step, node, worker, worker, (at, where, first, second) => (object)new DuplicatesDiffer(at, where, first, second)),
            Gen.Select(count, count, evaluation.Array[0, 9], (number, first, totals) => (object)new BlocksEvaluated(number, first, totals)),
            Gen.Select(count, range.Array[0, 9], (number, ranges) => (object)new ViewPublished(new View(number, ranges))),
            Gen.Select(count, step, node.Array[0, 9], (view, at, present) => (object)new StepOpened(view, at, present)),
            Gen.Select(Gen.Enum<CheckpointKind>(), progress, (kind, at) => (object)new WriteCheckpoint(kind, at)),
            Gen.Select(Gen.Enum<EvaluatedSplit>(), count, count, (split, first, end) => (object)new EvaluateBlocks(0, split, first, end, 7)));
    }
}
