using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Compute;
using ActorMlp.Cluster.Runs;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Hosting;

/// <summary>A run on this machine: an actor system with a coordinator and a node, which has a parameter server and workers.</summary>
public sealed class TrainingRun
{
    /// <summary>Nothing on standard output, which belongs to the command; the host ends the system, not the end of the process.</summary>
    private static readonly string Settings = $"""
        akka.stdout-loglevel = OFF
        akka.stdout-logger-class = "{typeof(SilentLogger).AssemblyQualifiedName}"
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        """;

    private readonly RunSetup setup;
    private readonly RunDirectory directory;
    private readonly string runId;
    private readonly TrainingRunServices services;

    /// <summary>A run that is ready to start.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="directory">Its folder.</param>
    /// <param name="runId">Its name with the time at which it started.</param>
    /// <param name="services">Logging, time and, in tests, another engine.</param>
    public TrainingRun(RunSetup setup, RunDirectory directory, string runId, TrainingRunServices services)
    {
        this.setup = setup;
        this.directory = directory;
        this.runId = runId;
        this.services = services;
    }

    /// <summary>Trains to the end, or to the end of the step in which <paramref name="stop"/> is cancelled.</summary>
    /// <param name="resume">The checkpoint to go on from; null to start anew.</param>
    /// <param name="progress">Gets the run's events, one at a time, on the coordinator's thread.</param>
    /// <param name="stop">Asks the run to stop.</param>
    /// <exception cref="RunFailedException">The run diverged, lost all its workers or could not write.</exception>
    public async Task<TrainingResult> TrainAsync(Checkpoint? resume, IProgress<RunEvent> progress, CancellationToken stop)
    {
        long began = services.Time.GetTimestamp();
        using var pool = new ComputePool(setup.Options.Cluster.Threads);
        var store = new ParameterStore(setup, pool);
        RunProgress start = resume?.Progress ?? RunProgress.Start;
        using UpdateLog? log = setup.Options.Training.Consistency.Mode == ConsistencyMode.Bsp
            ? null
            : UpdateLog.Open(directory.Updates, setup, setup.Shape.Workers, start.Step);
        var observer = new RunObserver(progress);
        var checkpoints = new CheckpointWriter(directory);
        RunActors actors = log is null ? Synchronous(store, pool, resume, checkpoints) : OfShares(store, pool, resume, checkpoints, log, observer);
        var party = new RunParty(setup.Shape.Workers, pool.Threads, KernelSelection.Name);
        progress.Report(RunSummaries.Started(setup, runId, start.Step, party));

        using IHost host = BuildHost(start, actors, observer);
        await host.StartAsync(CancellationToken.None).ConfigureAwait(false);
        IActorRef coordinator = host.Services.GetRequiredService<ActorRegistry>().Get<CoordinatorActor>();
        await using CancellationTokenRegistration registration = stop.Register(() => coordinator.Tell(new StopRequested()));
        try
        {
            RunConclusion conclusion = await observer.End.ConfigureAwait(false);
            string weights = setup.Network.Layout.Sha256(store.Parameters);
            return new TrainingResult(
                RunSummaries.Of(setup, runId, conclusion, party, [], weights, services.Time.GetElapsedTime(began)), conclusion, store.Parameters.ToArray());
        }
        finally
        {
            await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
            await checkpoints.WrittenAsync().ConfigureAwait(false);
        }
    }

    /// <summary>One sum a step, whoever computes its parts.</summary>
    private RunActors Synchronous(ParameterStore store, ComputePool pool, Checkpoint? resume, CheckpointWriter checkpoints)
    {
        var computer = new NodeComputer(setup, store, pool, Hooks);
        long step = resume?.Progress.Step ?? 0;
        resume?.Restore(setup, store.Parameters, [.. store.Updater.Slots, .. computer.PrepareResiduals(step)]);
        var server = new ParameterServerResources(setup, store, pool, computer, checkpoints);
        return new RunActors(
            coordinator => ParameterServerActor.Props(setup.Shape, server, coordinator),
            (slot, coordinator, parameterServer) => WorkerActor.Props(slot, computer, coordinator, parameterServer));
    }

    /// <summary>Workers with shares that are applied, or averaged, each for itself.</summary>
    private RunActors OfShares(ParameterStore store, ComputePool pool, Checkpoint? resume, CheckpointWriter checkpoints, UpdateLog log, RunObserver observer)
    {
        var plan = SharePlan.Of(setup, setup.Shape.Workers);
        var computer = new ShareComputer(setup, plan, store, pool, Hooks, exception => observer.Fail(exception.GetBaseException().Message));
        long step = resume?.Progress.Step ?? 0;
        resume?.Restore(setup, store.Parameters, computer.Slots);
        var server = new ShareResources(setup, plan, store, computer, checkpoints, log);
        return new RunActors(
            coordinator => ShareServerActor.Props(server, step, coordinator),
            (slot, coordinator, parameterServer) => ShareWorkerActor.Props(slot, computer, coordinator, parameterServer));
    }

    private IHost BuildHost(RunProgress start, RunActors actors, RunObserver observer)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(services.Logging);
        builder.Services.AddSingleton<IHostLifetime, DetachedLifetime>();
        builder.Services.AddAkka("actormlp", akka => akka
            .AddHocon(Settings, HoconAddMode.Prepend)
            .ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLoggerFactory(services.Logging);
                loggers.LogLevel = Akka.Event.LogLevel.InfoLevel;
            })
            .WithActors((system, registry) =>
            {
                IActorRef coordinator = system.ActorOf(
                    CoordinatorActor.Props(setup.Shape, start, observer, services.Time), "coordinator");
                registry.Register<CoordinatorActor>(coordinator);
                registry.Register<NodeActor>(system.ActorOf(
                    Props.Create(() => new NodeActor(
                        setup.Shape.Workers,
                        setup.Options.Cluster.RestartLimit,
                        () => actors.ParameterServer(coordinator),
                        (slot, parameterServer) => actors.Worker(slot, coordinator, parameterServer),
                        coordinator,
                        observer)),
                    "node"));
            }));
        return builder.Build();
    }

    private TrainingHooks Hooks => new(services.BeforeCompute, services.AfterCompute, services.Pace);

    /// <summary>How a mode's actors are made.</summary>
    private sealed record RunActors(Func<IActorRef, Props> ParameterServer, Func<WorkerSlot, IActorRef, IActorRef, Props> Worker);

    /// <summary>Leaves the process's signals to whoever runs the run.</summary>
    private sealed class DetachedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>What a run needs from outside.</summary>
/// <param name="Logging">Where actors log.</param>
/// <param name="Time">The clock.</param>
/// <param name="BeforeCompute">Called on the compute pool before a worker's subtree is computed; what it throws, the worker fails of. For tests; null for nothing.</param>
/// <param name="AfterCompute">Called on the compute pool with the gradient of a subtree that is verified, for each worker that computed it. For tests; null for nothing.</param>
/// <param name="Pace">What a worker waits for before it computes, so that it is slow. For benchmarks; null for nothing.</param>
public sealed record TrainingRunServices(
    ILoggerFactory Logging,
    TimeProvider Time,
    Action<WorkerId, ComputeSubtree>? BeforeCompute = null,
    Action<WorkerId, ComputeSubtree, Memory<float>>? AfterCompute = null,
    Func<WorkerId, Task>? Pace = null);

/// <summary>A run that has ended.</summary>
/// <param name="Summary">What summary.json holds.</param>
/// <param name="Conclusion">How it ended.</param>
/// <param name="Parameters">The weights that stand, as a flat vector.</param>
public sealed record TrainingResult(RunSummary Summary, RunConclusion Conclusion, float[] Parameters);
