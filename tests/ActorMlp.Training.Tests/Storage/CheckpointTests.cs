using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Training.Tests.Storage;

public sealed class CheckpointTests : IDisposable
{
    private static readonly RunProgress progress = new(
        5,
        new GradientTotals(18, 0.1 + 0.2, 7),
        new BestEpoch(2, new SplitMetrics { Loss = 1.0 / 3, Accuracy = 2.0 / 3 }),
        new SplitMetrics { Loss = Math.BitIncrement(0.7), Accuracy = 5e-324 },
        new SplitMetrics { Loss = 1e300, Rmse = Math.PI, R2 = -Math.E },
        new LedgerSummary { ShardsCommitted = 10, ShardsReissued = long.MaxValue, DuplicatesDropped = 1 });

    private readonly TestFolder folder = new();

    private string File => folder.At("checkpoint.safetensors");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Momentum)]
    [InlineData(OptimizerKind.AdaGrad)]
    [InlineData(OptimizerKind.Adam)]
    public void Restore_saved_checkpoint_gives_the_same_bits(OptimizerKind kind)
    {
        RunOptions options = WithOptimizer(kind);
        using var run = new TinyRun(options);
        run.Train(0, 5);
        CheckpointDraft.Copy(run.Setup, run.Parameters, run.Updater.Slots, progress).Save(File);

        using var resumed = new TinyRun(options);
        Checkpoint checkpoint = Checkpoint.Load(File);
        checkpoint.Restore(resumed.Setup, resumed.Parameters, resumed.Updater.Slots);

        AssertSameState(run, resumed);
        Assert.Equal(progress, checkpoint.Progress);
        run.Train(5, 3);
        resumed.Train(5, 3);
        AssertSameState(run, resumed);
    }

    [Fact]
    public void Load_progress_of_a_new_run_is_the_start()
    {
        using var run = new TinyRun();
        CheckpointDraft.Copy(run.Setup, run.Parameters, run.Updater.Slots, RunProgress.Start).Save(File);

        Assert.Equal(RunProgress.Start, Checkpoint.Load(File).Progress);
    }

    [Fact]
    public void Copy_is_one_that_later_steps_leave_alone()
    {
        using var run = new TinyRun();
        float[] before = [.. run.Parameters];
        CheckpointDraft draft = CheckpointDraft.Copy(run.Setup, run.Parameters, run.Updater.Slots, RunProgress.Start);
        run.Train(0, 3);
        draft.Save(File);
        Checkpoint.Load(File).Restore(run.Setup, run.Parameters, run.Updater.Slots);

        Assert.Equal(before, run.Parameters);
        Assert.All(run.Updater.Slots, slot => Assert.Equal(-1, slot.Values.Span.IndexOfAnyExcept(0f)));
    }

    [Fact]
    public void Restore_into_a_run_with_other_options_or_data_is_refused()
    {
        using var run = new TinyRun();
        CheckpointDraft.Copy(run.Setup, run.Parameters, run.Updater.Slots, RunProgress.Start).Save(File);
        Checkpoint checkpoint = Checkpoint.Load(File);
        using var otherSeed = new TinyRun(TinyRun.Options with { Training = TinyRun.Options.Training with { Seed = 43 } });
        using var otherData = new TinyRun(dataSha256: "00fe");

        foreach (TinyRun other in new[] { otherSeed, otherData })
        {
            float[] before = [.. other.Parameters];
            StorageException problem = Assert.Throws<StorageException>(
                () => checkpoint.Restore(other.Setup, other.Parameters, other.Updater.Slots));
            Assert.Contains(File, problem.Message);
            Assert.Contains("other data, model or training options", problem.Message);
            Assert.Equal(before, other.Parameters);
        }
    }

    [Fact]
    public void Restore_into_a_run_with_other_workers_or_output_is_welcome()
    {
        using var run = new TinyRun();
        run.Train(0, 2);
        CheckpointDraft.Copy(run.Setup, run.Parameters, run.Updater.Slots, RunProgress.Start).Save(File);
        using var other = new TinyRun(TinyRun.Options with
        {
            Cluster = new ClusterOptions { Workers = 7 },
            Output = new OutputOptions { Directory = "elsewhere" },
        });

        Checkpoint.Load(File).Restore(other.Setup, other.Parameters, other.Updater.Slots);

        AssertSameState(run, other);
    }

    [Fact]
    public void Load_safetensors_file_of_another_kind_is_no_checkpoint()
    {
        SafetensorsFile.Write(File, [], new Dictionary<string, string> { ["format"] = "other" });

        Assert.Contains("is no checkpoint", Assert.Throws<StorageException>(() => Checkpoint.Load(File)).Message);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("{")]
    public void Load_checkpoint_without_readable_progress_is_refused(string? text)
    {
        var metadata = new Dictionary<string, string> { ["format"] = "actormlp-checkpoint" };
        if (text is not null)
        {
            metadata["progress"] = text;
        }

        SafetensorsFile.Write(File, [], metadata);

        Assert.Throws<StorageException>(() => Checkpoint.Load(File));
    }

    [Fact]
    public void LoadNewestCheckpoint_whole_last_is_taken()
    {
        RunDirectory directory = DirectoryWithCheckpoints();
        var problems = new List<string>();

        Assert.Equal(8, directory.LoadNewestCheckpoint(problems).Progress.Step);
        Assert.Empty(problems);
    }

    [Fact]
    public void LoadNewestCheckpoint_damaged_last_falls_back_to_best_and_says_so()
    {
        RunDirectory directory = DirectoryWithCheckpoints();
        Damage(directory.LastCheckpoint);
        var problems = new List<string>();

        Assert.Equal(4, directory.LoadNewestCheckpoint(problems).Progress.Step);
        Assert.Contains(directory.LastCheckpoint, Assert.Single(problems));
    }

    [Fact]
    public void LoadNewestCheckpoint_last_missing_takes_best()
    {
        RunDirectory directory = DirectoryWithCheckpoints();
        System.IO.File.Delete(directory.LastCheckpoint);

        Assert.Equal(4, directory.LoadNewestCheckpoint([]).Progress.Step);
    }

    [Fact]
    public void LoadNewestCheckpoint_all_damaged_names_each()
    {
        RunDirectory directory = DirectoryWithCheckpoints();
        Damage(directory.LastCheckpoint);
        Damage(directory.BestCheckpoint);

        StorageException problem = Assert.Throws<StorageException>(() => directory.LoadNewestCheckpoint([]));
        Assert.Contains("no whole checkpoint", problem.Message);
        Assert.Contains(directory.LastCheckpoint, problem.Message);
        Assert.Contains(directory.BestCheckpoint, problem.Message);
    }

    [Fact]
    public void LoadNewestCheckpoint_none_says_what_to_do()
    {
        var directory = new RunDirectory(folder.At("new"));
        directory.Create();

        StorageException problem = Assert.Throws<StorageException>(() => directory.LoadNewestCheckpoint([]));
        Assert.Contains("has no checkpoint", problem.Message);
        Assert.Contains("without --resume", problem.Message);
    }

    [Fact]
    public void CreateRunDirectory_that_holds_something_is_refused()
    {
        folder.Write("old", "");

        Assert.Contains("is not empty", Assert.Throws<StorageException>(() => new RunDirectory(folder.Path).Create()).Message);
    }

    private static RunOptions WithOptimizer(OptimizerKind kind) => TinyRun.Options with
    {
        Training = TinyRun.Options.Training with { Optimizer = new OptimizerOptions { Kind = kind, LearningRate = 0.01 } },
    };

    private static void AssertSameState(TinyRun expected, TinyRun actual)
    {
        Assert.Equal(Bits(expected.Parameters), Bits(actual.Parameters));
        Assert.Equal(expected.Updater.Slots.Select(slot => slot.Name), actual.Updater.Slots.Select(slot => slot.Name));
        foreach ((OptimizerSlot one, OptimizerSlot other) in expected.Updater.Slots.Zip(actual.Updater.Slots))
        {
            Assert.Equal(Bits(one.Values.ToArray()), Bits(other.Values.ToArray()));
        }
    }

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];

    private static void Damage(string file)
    {
        byte[] bytes = System.IO.File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        System.IO.File.WriteAllBytes(file, bytes);
    }

    private RunDirectory DirectoryWithCheckpoints()
    {
        var directory = new RunDirectory(folder.At("run"));
        directory.Create();
        using var run = new TinyRun();
        CheckpointDraft.Copy(run.Setup, run.Parameters, run.Updater.Slots, RunProgress.Start with { Step = 4 }).Save(directory.BestCheckpoint);
        CheckpointDraft.Copy(run.Setup, run.Parameters, run.Updater.Slots, RunProgress.Start with { Step = 8 }).Save(directory.LastCheckpoint);
        return directory;
    }
}
