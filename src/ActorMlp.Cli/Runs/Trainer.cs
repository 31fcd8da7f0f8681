using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Plots;
using ActorMlp.Cli.Views;
using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Engine.Numerics;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Ledgers;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cli.Runs;

/// <summary>Runs a run file from reading it to the last line of output.</summary>
/// <param name="context">What to talk to.</param>
internal sealed class Trainer(CommandContext context)
{
    /// <summary>Trains; returns the exit code.</summary>
    public async Task<int> RunAsync(TrainRequest request)
    {
        RunFile file = RunFile.Load(request.ConfigurationFile, request.Overrides);
        if (file.Problems.Count > 0)
        {
            return context.BadInput(file.Problems.Select(problem => problem.ToString()));
        }

        if (request.Overrides.CacheDirectory is { } cacheDirectory && file.Options.Data is { Cache: CacheMode.None, Distribution: DataDistribution.Local })
        {
            return context.BadInput([$"--cache-dir {cacheDirectory}: has no effect with data.cache: none and data.distribution: local; add --set data.cache=auto"]);
        }

        NodeSecurity? security = request switch
        {
            { Processes: not null } => RunSecurity.ForHost(file.Options.Cluster, LocalNodes.Host),
            { Cluster.Client.Security.Kind: NodeSecurityKind.LoopbackOnly } => RunSecurity.Of(file.Options.Cluster),
            _ => null,
        };
        if (security is not null && request.Cluster is { } cluster)
        {
            request = request with { Cluster = cluster with { Client = cluster.Client with { Security = security } } };
        }

        using LoadedData data = DataLoader.Load(
            file.Options.Data, file.Options.Training.Seed, new DataPaths(Environment.CurrentDirectory, null));
        context.TellOfCache(data);
        var setup = new RunSetup(file.Options, data);
        (RunDirectory directory, Checkpoint? checkpoint, bool isNew) = OpenFolder(request, setup);
        try
        {
            return await RunAsync(request, file.Source, security, setup, data, directory, checkpoint).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RunRefusedException || (request.Cluster is not null && exception is NodeException))
        {
            // Nothing was trained: the next attempt may have the folder's name.
            if (isNew)
            {
                Directory.Delete(directory.Path, recursive: true);
            }

            return context.BadInput(exception is RunRefusedException refused ? refused.Reasons : [exception.Message]);
        }
    }

    private async Task<int> RunAsync(
        TrainRequest request, RunSource source, NodeSecurity? security, RunSetup setup, LoadedData data, RunDirectory directory, Checkpoint? checkpoint)
    {
        using ILoggerFactory logging = RunLogging.Create(directory.Log);
        ILogger log = logging.CreateLogger<Trainer>();
        log.KernelChosen(KernelSelection.Name, KernelSelection.Reason);
        if (data.CacheUse is { } use)
        {
            log.CacheUsed(use.Outcome, use.Path, use.FingerprintSha256);
        }

        try
        {
            return await TrainAsync(request, source, security, setup, directory, checkpoint, logging).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RunFailedException or StorageException)
        {
            log.RunFailed(exception);
            context.Error.WriteLine($"the run failed: {(request.Verbose ? exception : exception.Message)}");
            if (File.Exists(directory.LastCheckpoint))
            {
                context.Error.WriteLine($"the last good checkpoint: {directory.LastCheckpoint}");
            }

            return ExitCode.Failed;
        }
    }

    private (RunDirectory Directory, Checkpoint? Checkpoint, bool IsNew) OpenFolder(TrainRequest request, RunSetup setup)
    {
        RunDirectory directory;
        Checkpoint? checkpoint = null;
        bool isNew = false;
        if (request.Resume)
        {
            directory = RunFolder.ToResume(setup.Options, request.OutputDirectory);
            var problems = new List<string>();
            checkpoint = directory.LoadNewestCheckpoint(problems);
            checkpoint.CheckBelongsTo(setup);
            if (setup.Options.Training.Consistency.Mode != ConsistencyMode.Bsp)
            {
                // In one process the workers are those of the run; nodes compute the shares of as many as it was begun with.
                bool onNodes = request.Cluster is not null || request.Processes is not null;
                UpdateLog.CheckResumable(directory.Updates, setup, onNodes ? null : setup.Shape.Workers, checkpoint.Progress.Step);
            }

            foreach (string problem in problems)
            {
                context.Error.WriteLine($"warning: {problem}");
            }
        }
        else
        {
            directory = RunFolder.ForNewRun(setup.Options, request.OutputDirectory, context.Time);
            isNew = !Directory.Exists(directory.Path);
            directory.Create();
        }

        AtomicFile.Write(directory.Configuration, stream =>
            stream.Write(System.Text.Encoding.UTF8.GetBytes(EffectiveConfiguration.ToYaml(setup.Options))));
        return (directory, checkpoint, isNew);
    }

    private async Task<int> TrainAsync(
        TrainRequest request, RunSource source, NodeSecurity? security, RunSetup setup, RunDirectory directory, Checkpoint? checkpoint, ILoggerFactory logging)
    {
        TrainingResult result;
        using (var stop = new CancellationTokenSource())
        using (context.OnInterrupt(stop))
        using (MetricsLog metrics = MetricsLog.Open(directory.Metrics, checkpoint?.Progress.Step ?? 0))
        using (LedgerLog? ledger = setup.Shape.KeepsLedger ? LedgerLog.Open(directory.Ledger, checkpoint?.Progress.Step ?? 0) : null)
        {
            await using IRunView view = CreateView(request);
            var recorder = new RunRecorder(ledger, metrics, setup.Options.Output.StepMetrics, view);
            result = request switch
            {
                { Cluster: { } cluster } => await TrainOnAsync(cluster, source, null).ConfigureAwait(false),
                { Processes: { } processes } => await TrainOnProcessesAsync(processes).ConfigureAwait(false),
                _ => await new TrainingRun(setup, directory, RunFolder.IdOf(directory), new TrainingRunServices(logging, context.Time))
                    .TrainAsync(checkpoint, recorder, stop.Token).ConfigureAwait(false),
            };

            Task<TrainingResult> TrainOnAsync(ClusterTarget cluster, RunSource run, Task? allNodesEnded) =>
                new ClusterTraining(cluster.Client, cluster.Contacts, logging, context.Time)
                    .TrainAsync(setup, run, directory, RunFolder.IdOf(directory), checkpoint, recorder, stop.Token, allNodesEnded);

            async Task<TrainingResult> TrainOnProcessesAsync(int count)
            {
                int threads = setup.Options.Cluster.Threads > 0 ? setup.Options.Cluster.Threads : Math.Max(1, Environment.ProcessorCount / count);
                await using LocalNodes nodes = await LocalNodes
                    .StartAsync(count, threads, null, directory.Path, [.. RunSecurity.Arguments(setup.Options.Cluster)]).ConfigureAwait(false);
                var client = new NodeOptions
                {
                    Listen = new NodeAddress(LocalNodes.Host, 0),
                    DataDirectory = Path.GetTempPath(),
                    Security = security ?? NodeSecurity.LoopbackOnly,
                };

                // On this machine the nodes find the very files that were found here.
                var target = new ClusterTarget(client, nodes.Addresses);
                return await TrainOnAsync(target, source with { Options = source.Options with { Data = setup.Options.Data } }, nodes.AllEnded).ConfigureAwait(false);
            }
        }

        RunSummary summary = result.Summary;
        SummaryFile.Write(directory.Summary, summary);
        if (summary.Status == RunStatus.Completed)
        {
            new ModelFile(setup.Network, result.Parameters, setup.Data.Schema, setup.Data.Preprocessing, setup.Options, summary)
                .Save(directory.Model);
            Plot(setup, directory, summary, logging);
        }

        (request.Json ? context.Error : context.Output).WriteLine(SummaryText.Describe(summary, directory, request));
        if (request.Json)
        {
            context.Output.WriteLine(SummaryFile.ToLine(summary));
        }

        return ExitCode.Success;
    }

    private IRunView CreateView(TrainRequest request) =>
        request.Quiet ? new QuietRunView(context.Error)
        : request.Json ? new PlainRunView(context.Error)
        : context.Terminal is { } terminal ? new LiveRunView(terminal, context.Time)
        : new PlainRunView(context.Output);

    /// <summary>Draws the curves; a picture that cannot be drawn is a warning, not a failed run.</summary>
    private void Plot(RunSetup setup, RunDirectory directory, RunSummary summary, ILoggerFactory logging)
    {
        if (!setup.Options.Output.Plot)
        {
            return;
        }

        try
        {
            TrainingPlot.Write(directory.Plot, MetricsLog.ReadEpochs(directory.Metrics), summary.RunId);
        }
#pragma warning disable CA1031 // Fonts and native drawing libraries fail in many ways; the run itself is whole.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logging.CreateLogger<Trainer>().PlotFailed(exception);
            context.Error.WriteLine($"warning: training.png could not be drawn: {exception.Message}");
        }
    }
}
