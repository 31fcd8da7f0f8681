using System.CommandLine;
using System.Text.Json;
using ActorMlp.Cli.Chaos;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Runs;
using ActorMlp.Cli.Views;
using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Runs;
using ActorMlp.Data;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Faults;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Local;
using ActorMlp.Training.Replay;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp chaos</c>.</summary>
internal static class ChaosCommand
{
    private const int MostResumptions = 100;
    private static readonly TimeSpan ResumeAfter = TimeSpan.FromSeconds(2);

    private static readonly JsonSerializerOptions JsonOptions = new(JsonSerializerDefaults.Web);

    public static Command Create(CommandContext context)
    {
        var script = new Argument<string>("SCRIPT") { Description = "The fault script, such as configs/faults/kills.yaml." };
        var configuration = new Option<string>("--config") { Description = "The run file.", HelpName = "CONFIG", Required = true };
        var nodes = new Option<int>("--nodes") { Description = "Node processes at the start.", HelpName = "N", DefaultValueFactory = _ => 3 };
        nodes.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 64)
            {
                result.AddError("--nodes: allowed are 1 to 64");
            }
        });
        var seed = new Option<ulong?>("--seed") { Description = "Decides random moments and choices, in place of the script's seed.", HelpName = "N" };
        Option<string[]> set = CommonOptions.Set();
        Option<string?> dataDirectory = CommonOptions.DataDirectory();
        var output = new Option<string?>("--out") { Description = "The run's folder; by default a new one below output.directory.", HelpName = "DIR" };
        var reference = new Option<string?>("--expect") { Description = "The undisturbed run's SHA-256; computed first if absent, in modes other than bsp replayed from the log afterwards.", HelpName = "SHA256" };
        var namespaces = new Option<bool>("--namespaces") { Description = "Puts each node into a network namespace, where a partition drops packets; needs root. Without it, proxies between the nodes do all that scripts ask of links." };
        Option<string> format = CommonOptions.Format();
        var command = new Command("chaos", "Trains on node processes that a fault script strikes, and their links and the keeper's disk with them, and compares the hash with that of an undisturbed run; in modes other than bsp with a replay of the run's log.")
        {
            script, configuration, nodes, seed, set, dataDirectory, output, reference, namespaces, format,
        };
        command.SetAction((parsed, _) => RunAsync(
            context,
            new ChaosRequest(
                parsed.GetRequiredValue(script),
                parsed.GetRequiredValue(configuration),
                parsed.GetValue(nodes),
                parsed.GetValue(seed),
                new RunOverrides(parsed.GetValue(set) ?? [], null, null, parsed.GetValue(dataDirectory), null),
                parsed.GetValue(output),
                parsed.GetValue(reference),
                parsed.GetValue(namespaces),
                parsed.GetValue(format) == CommonOptions.Json)));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, ChaosRequest request)
    {
        FaultScriptFile script = FaultScriptFile.Load(request.Script);
        RunFile file = RunFile.Load(request.Configuration, request.Overrides);
        if (script.Problems.Count + file.Problems.Count > 0)
        {
            return context.BadInput(script.Problems.Concat(file.Problems).Select(problem => problem.ToString()));
        }

        FaultScript faults = request.Seed is { } seed ? script.Script with { Seed = seed } : script.Script;
        if (ChaosScript.Problems(faults, request.InNamespaces).ToList() is { Count: > 0 } problems)
        {
            return context.BadInput(problems.Select(problem => $"{request.Script}: {problem}"));
        }

        using LoadedData data = DataLoader.Load(file.Options.Data, file.Options.Training.Seed, new DataPaths(Environment.CurrentDirectory, null));
        var setup = new RunSetup(file.Options, data);
        bool isOneAnswer = setup.Options.Training.Consistency.Mode == ConsistencyMode.Bsp;
        string? expected = request.Expected ?? (isOneAnswer ? await Task.Run(() => Undisturbed(setup)).ConfigureAwait(false) : null);
        RunDirectory directory = RunFolder.ForNewRun(file.Options, request.Output, context.Time);
        directory.Create();
        AtomicFile.Write(directory.Configuration, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(EffectiveConfiguration.ToYaml(setup.Options))));
        using ILoggerFactory logging = RunLogging.Create(directory.Log);
        using var stop = new CancellationTokenSource();
        using IDisposable interrupt = context.OnInterrupt(stop);
        await using IRunView view = request.Json ? new PlainRunView(context.Error) : new PlainRunView(context.Output);
        int threads = setup.Options.Cluster.Threads > 0 ? setup.Options.Cluster.Threads : Math.Max(1, Environment.ProcessorCount / request.Nodes);
        var options = new ChaosClusterOptions
        {
            Count = request.Nodes,
            Threads = threads,
            LogDirectory = Path.GetFullPath(directory.Path),
            Seed = faults.Seed,
            DisturbsLinks = ChaosScript.DisturbsLinks(faults),
            InNamespaces = request.InNamespaces,
            FillsDisk = ChaosScript.FillsDisk(faults) ? Path.GetDirectoryName(directory.LastCheckpoint) : null,
        };
        await using ChaosCluster cluster = await ChaosCluster.StartAsync(options, context.Time, logging.CreateLogger("ActorMlp.Link")).ConfigureAwait(false);
        using MetricsLog metrics = MetricsLog.Open(directory.Metrics, 0);
        using LedgerLog? ledger = setup.Shape.KeepsLedger ? LedgerLog.Open(directory.Ledger, 0) : null;
        var clock = new ChaosClock(context.Time, new RunRecorder(ledger, metrics, setup.Options.Output.StepMetrics, view));
        var chaos = new ChaosRun(faults, cluster, clock, context.Time);
        using var over = new CancellationTokenSource();
        Task strikes = chaos.StrikeAsync(over.Token);
        TrainingResult? result = null;
        Checkpoint? checkpoint = null;
        int resumptions = 0;
        try
        {
            while (result is null)
            {
                try
                {
                    result = await new ClusterTraining(await cluster.OpenKeeperAsync().ConfigureAwait(false), cluster.Addresses, logging, context.Time)
                        .TrainAsync(setup, file.Source with { Options = setup.Options }, directory, RunFolder.IdOf(directory), checkpoint, clock, stop.Token).ConfigureAwait(false);
                }
                catch (Exception exception) when (exception is RunFailedException or RunRefusedException
                    && resumptions < MostResumptions && File.Exists(directory.LastCheckpoint))
                {
                    context.Error.WriteLine($"the run failed and is resumed: {exception.Message}");
                    resumptions++;

                    // With all nodes gone there is nobody to take it until another is up.
                    await Task.Delay(ResumeAfter, context.Time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    await cluster.HasRoom.WaitAsync(stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    checkpoint = directory.LoadNewestCheckpoint([]);
                    clock.Report(new RunRewound(checkpoint.Progress.Step, exception.Message));
                }
            }
        }
        catch (Exception exception) when (exception is RunFailedException or RunRefusedException)
        {
            context.Error.WriteLine($"the run failed: {exception.Message}");
            return ExitCode.Failed;
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await strikes.ConfigureAwait(false);
        }

        SummaryFile.Write(directory.Summary, result.Summary);
        chaos.Conclude();
        ReplayResult? replay = isOneAnswer || stop.IsCancellationRequested ? null : await Task.Run(() => Replay(setup, directory)).ConfigureAwait(false);
        foreach (string difference in replay?.Differences ?? [])
        {
            context.Error.WriteLine($"the replay differs: {difference}");
        }

        var report = new ChaosReport(
            request.Configuration,
            request.Script,
            request.Nodes,
            result.Summary.Steps,
            clock.Elapsed.TotalSeconds,
            result.Summary.WeightsSha256,
            stop.IsCancellationRequested ? null : expected ?? replay?.WeightsSha256,
            expected is not null ? ChaosReport.Undisturbed : ChaosReport.Replay,
            clock.Takeovers.Count,
            clock.Rewinds.Count,
            clock.Rewinds.Sum(rewind => rewind.Lost),
            resumptions,
            cluster.Traffic,
            chaos.Records);
        AtomicFile.Write(Path.Combine(directory.Path, "chaos.json"), stream => JsonSerializer.Serialize(stream, report, JsonOptions));
        ChaosTimeline.Write(Path.Combine(directory.Path, "chaos.png"), clock, report);
        (request.Json ? context.Error : context.Output).WriteLine(ChaosText.Describe(report, directory.Path));
        if (request.Json)
        {
            context.Output.WriteLine(JsonSerializer.Serialize(report, JsonOptions));
        }

        return report.IsEqual && replay?.Equal != false ? ExitCode.Success : ExitCode.Failed;
    }

    private static string Undisturbed(RunSetup setup)
    {
        using var pool = new ComputePool(Environment.ProcessorCount);
        return new LocalTrainer(setup, pool).Train().WeightsSha256;
    }

    /// <summary>In modes whose bits depend on the order of updates: the run computed again from its log.</summary>
    private static ReplayResult Replay(RunSetup setup, RunDirectory directory)
    {
        using var pool = new ComputePool(Environment.ProcessorCount);
        return new RunReplay(setup, directory, pool).Run();
    }

    private sealed record ChaosRequest(
        string Script, string Configuration, int Nodes, ulong? Seed, RunOverrides Overrides, string? Output, string? Expected, bool InNamespaces, bool Json);
}
