using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Benchmarks.Steps;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Benchmarks.Processes;

/// <summary>How a run is spread over processes.</summary>
/// <param name="Processes">Node processes; 0 to train in the process of the command itself.</param>
/// <param name="Threads">Compute threads of each.</param>
internal sealed record RunParty(int Processes, int Threads)
{
    /// <summary>Whether all code is compiled when it is first called, as well as it can be, and not again later.</summary>
    public bool CompilesAtOnce { get; init; }

    public string[] Arguments => Processes == 0 ? ["--threads", $"{Threads}"] : ["--processes", $"{Processes}", "--threads", $"{Threads}"];
}

/// <summary>How fast a run is.</summary>
/// <param name="SamplesPerSecond">Rows trained in a second.</param>
/// <param name="OtherCores">Cores that other processes of the machine used meanwhile.</param>
internal readonly record struct MeasuredRate(double SamplesPerSecond, double OtherCores);

/// <summary>Runs the built command <c>actormlp train</c> on MNIST, with momentum.</summary>
internal sealed partial class RunCommand
{
    /// <summary>SIGTERM: as Ctrl-C, but heard in a shell's background too.</summary>
    private const int Termination = 15;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    private readonly string program;
    private readonly string dataDirectory;
    private readonly string hidden;

    private RunCommand(string program, string dataDirectory, string hidden)
    {
        this.program = program;
        this.dataDirectory = dataDirectory;
        this.hidden = hidden;
    }

    /// <summary>The command, or null with what is missing.</summary>
    /// <param name="missing">What is missing.</param>
    /// <param name="hidden">Units of the hidden layers, with commas between them.</param>
    public static RunCommand? Find(out string missing, string hidden = "512,256")
    {
        string root = PeerProgram.RepositoryRoot();
        string program = Path.Combine(root, "src", "ActorMlp.Cli", "bin", "Release", "net10.0", "actormlp");
        string data = Path.GetFullPath(Path.Combine(root, "..", "shared", "data"));
        missing = !File.Exists(program) ? "the command is not built: dotnet build -c Release src/ActorMlp.Cli"
            : !File.Exists(Path.Combine(data, "mnist", "train-images-idx3-ubyte.gz")) ? "MNIST is not there beside the repository, in ../shared/data/mnist"
            : "";
        return missing.Length == 0 ? new RunCommand(program, data, hidden) : null;
    }

    /// <summary>Trains some epochs to the end.</summary>
    public async Task<RunSummary> TrainAsync(RunParty party, int batch, int epochs)
    {
        using var run = new StartedRun(this, party, batch, epochs);
        await run.EndAsync().ConfigureAwait(false);
        return SummaryFile.Read(run.Directory.Summary);
    }

    /// <summary>Trains for a while, and stops.</summary>
    /// <param name="party">How it is spread.</param>
    /// <param name="batch">Rows of a step.</param>
    /// <param name="warmUp">Epochs that began before this much of training do not count: data come into caches, code is compiled anew.</param>
    /// <param name="span">How long it goes on then.</param>
    /// <returns>The median of the epochs that count.</returns>
    public async Task<MeasuredRate> MeasureAsync(RunParty party, int batch, TimeSpan warmUp, TimeSpan span)
    {
        using var run = new StartedRun(this, party, batch, 1_000_000);
        IReadOnlyList<EpochMetrics> epochs = [];
        MachineLoad? load = null;
        while (epochs.Sum(epoch => epoch.WallSeconds) < (warmUp + span).TotalSeconds)
        {
            await Task.Delay(LookEvery).ConfigureAwait(false);
            if (run.HasEnded)
            {
                await run.EndAsync().ConfigureAwait(false);
                throw new InvalidOperationException("a run ended before it was to stop");
            }

            epochs = File.Exists(run.Directory.Metrics) ? MetricsLog.ReadEpochs(run.Directory.Metrics) : [];
            load ??= epochs.Sum(epoch => epoch.WallSeconds) >= warmUp.TotalSeconds ? new MachineLoad(Environment.ProcessId) : null;
        }

        double others = load!.OtherCores();
        run.Stop();
        await run.EndAsync().ConfigureAwait(false);
        double began = 0;
        var counted = new List<double>();
        foreach (EpochMetrics epoch in epochs)
        {
            if (began >= warmUp.TotalSeconds)
            {
                counted.Add(epoch.SamplesPerSecond);
            }

            began += epoch.WallSeconds;
        }

        return new MeasuredRate(Statistics.Median(counted), others);
    }

    /// <summary>Asks <c>actormlp simulate</c> what it expects of processes on this machine.</summary>
    public async Task<MeasuredRate> PredictAsync(RunParty party, int cores, int batch)
    {
        string folder = System.IO.Directory.CreateTempSubdirectory("actormlp-processes-").FullName;
        try
        {
            string file = Path.Combine(folder, "run.yaml");
            await File.WriteAllTextAsync(file, RunFile(party, batch, 1)).ConfigureAwait(false);
            var load = new MachineLoad(Environment.ProcessId);
            using Process process = Start(party,
            [
                "simulate", file, "--data-dir", dataDirectory, "--compute", "modelled", "--cores", $"{cores}", "--nodes", $"{party.Processes}",
                "--threads", $"{party.Threads}", "--speed", "measured", "--json",
            ]);
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = await process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
            await process.WaitForExitAsync().ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"a simulation failed: {await errors.ConfigureAwait(false)}");
            }

            return new MeasuredRate(JsonNode.Parse(output)!["points"]!.AsArray()[^1]!["samplesPerSecond"]!.GetValue<double>(), load.OtherCores());
        }
        finally
        {
            System.IO.Directory.Delete(folder, recursive: true);
        }
    }

    private Process Start(RunParty party, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (party.CompilesAtOnce)
        {
            start.Environment["DOTNET_TieredCompilation"] = "0";
        }

        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
    }

    /// <summary>Neither validation nor test rows: a run does nothing but train, and write its checkpoint after each epoch. It begins when all processes have read the data.</summary>
    private string RunFile(RunParty party, int batch, int epochs) => string.Create(CultureInfo.InvariantCulture, $$"""
        name: processes
        data:
          format: idx
          train: mnist/train-images-idx3-ubyte.gz
          trainLabels: mnist/train-labels-idx1-ubyte.gz
          scaling: pixel
        model:
          hidden: [{{hidden}}]
          activation: relu
        training:
          epochs: {{epochs}}
          batchSize: {{batch}}
          shardsPerStep: {{Math.Min(16, batch / 32)}}
          optimizer:
            kind: momentum
            learningRate: 0.01
        cluster:
          workers: {{Math.Max(1, party.Processes)}}
        output:
          plot: false
        """);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);

    /// <summary>A run in a folder of its own, which goes with it.</summary>
    private sealed class StartedRun : IDisposable
    {
        private readonly string folder = System.IO.Directory.CreateTempSubdirectory("actormlp-processes-").FullName;
        private readonly Process process;
        private readonly Task<string> output;
        private readonly Task<string> errors;
        private readonly PosixSignalRegistration termination;

        public StartedRun(RunCommand command, RunParty party, int batch, int epochs)
        {
            string file = Path.Combine(folder, "run.yaml");
            File.WriteAllText(file, command.RunFile(party, batch, epochs));
            Directory = new RunDirectory(Path.Combine(folder, "run"));
            process = command.Start(party, ["train", file, "--data-dir", command.dataDirectory, "--out", Directory.Path, "--quiet", .. party.Arguments]);
            output = process.StandardOutput.ReadToEndAsync();
            errors = process.StandardError.ReadToEndAsync();

            // A run that is measured has no end of its own: it must not outlast a benchmark that is told to end. .NET 10 does not raise ProcessExit then.
            termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Kill());
        }

        public RunDirectory Directory { get; }

        public bool HasEnded => process.HasExited;

        /// <summary>The run stops with a checkpoint, and its nodes end with it.</summary>
        public void Stop() => _ = Signal(process.Id, Termination);

        public async Task EndAsync()
        {
            await process.WaitForExitAsync().ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"a run failed: {await errors.ConfigureAwait(false)}{await output.ConfigureAwait(false)}");
            }
        }

        public void Dispose()
        {
            termination.Dispose();
            Kill();
            process.Dispose();
            System.IO.Directory.Delete(folder, recursive: true);
        }

        private void Kill()
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }
        }
    }
}
