using System.CommandLine;
using System.Runtime.InteropServices;
using ActorMlp.Cli.Runs;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp node</c>.</summary>
internal static class NodeCommand
{
    /// <summary>What a node writes to standard output before its address, once it listens.</summary>
    public const string Announcement = "node listening at ";

    public static Command Create(CommandContext context)
    {
        var arguments = new NodeArguments(listenAt: null);
        Option<string[]> join = NodeArguments.Nodes(
            "--join", "Nodes to join, the same list on every node, or dns:name:port; without it the node forms a cluster.", required: false);
        var roles = new Option<string[]>("--roles")
        {
            Description = $"What the node does: {string.Join(", ", NodeRoles.All)}; all of it if absent.",
            HelpName = "ROLE[,…]",
            CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))],
            DefaultValueFactory = _ => [.. NodeRoles.All],
        };
        Option<string?> dataDirectory = CommonOptions.DataDirectory();
        var threads = new Option<int>("--threads") { Description = "Compute threads, 0 for one per core.", HelpName = "N", DefaultValueFactory = _ => 0 };
        threads.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > 1024)
            {
                result.AddError("--threads: allowed are 0 to 1024");
            }
        });
        var cacheDirectory = new Option<string?>("--cache-dir")
        {
            Description = "Folder where the node keeps data that are sent to it (data.distribution: stream); data-cache if absent.",
            HelpName = "DIR",
        };
        var requiredContacts = new Option<int>("--required-contacts")
        {
            Description = "With --join dns:…, how many addresses the name must have before a cluster may be formed.",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };
        var logFile = new Option<string?>("--log") { Description = "File for the node's log, JSON lines; none if absent.", HelpName = "FILE" };
        var untilInputEnds = new Option<bool>("--until-input-ends") { Description = "Ends at once when standard input ends: for a process that starts nodes for one run.", Hidden = true };
        var command = new Command("node", "Starts a node that joins a cluster and takes work, until Ctrl-C or SIGTERM; then it leaves in order.")
        {
            join, roles, dataDirectory, cacheDirectory, threads, requiredContacts, logFile, untilInputEnds,
        };
        arguments.AddTo(command);
        command.SetAction((parsed, _) => RunAsync(
            context,
            arguments.Read(parsed, Path.GetTempPath()) with
            {
                Join = parsed.GetValue(join) ?? [],
                Roles = parsed.GetValue(roles) ?? NodeRoles.All,
                RequiredContacts = parsed.GetValue(requiredContacts),
            },
            new NodeResources(parsed.GetValue(threads), parsed.GetValue(dataDirectory), parsed.GetValue(cacheDirectory)),
            parsed.GetValue(logFile),
            parsed.GetValue(untilInputEnds)));
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, NodeOptions options, NodeResources resources, string? logFile, bool untilInputEnds)
    {
        using ILoggerFactory logging = logFile is null ? LoggerFactory.Create(_ => { }) : RunLogging.Create(logFile);
        using var stop = new CancellationTokenSource();
        using IDisposable? interrupt = untilInputEnds ? context.OnTerminate(stop) : context.OnInterrupt(stop);
        using PosixSignalRegistration? deaf = untilInputEnds ? EndWithInput() : null;
        while (true)
        {
            (NodeEnd end, NodeAddress address, IReadOnlyList<string> others) = await LiveAsync(context, options, resources, logging, stop.Token).ConfigureAwait(false);
            if (end == NodeEnd.Left)
            {
                context.Output.WriteLine("left the cluster");
                return ExitCode.Success;
            }

            string[] join = [.. others.Union(options.Join).Where(node => node != address.ToString())];
            context.Error.WriteLine("the cluster removed this node: it was silent for too long, or on the smaller side of a split");
            if (join.Length == 0)
            {
                context.Error.WriteLine("it knows no other node to join; start it again");
                return ExitCode.Failed;
            }

            // Under the same address, as a new member that remembers nothing; it never forms a cluster of its own.
            context.Error.WriteLine($"it begins anew and joins {string.Join(", ", join)}");
            options = options with { Listen = options.Listen with { Port = address.Port }, Join = join };
        }
    }

    /// <summary>One life of a node in the cluster.</summary>
    private static async Task<(NodeEnd End, NodeAddress Address, IReadOnlyList<string> Others)> LiveAsync(
        CommandContext context, NodeOptions options, NodeResources resources, ILoggerFactory logging, CancellationToken stop)
    {
        await using ClusterNode node = await ClusterNode.StartAsync(options, resources, logging, context.Time).ConfigureAwait(false);
        context.Output.WriteLine($"{Announcement}{node.Address}");
        context.Output.Flush();
        try
        {
            await node.WaitUntilUpAsync(stop).ConfigureAwait(false);
            context.Output.WriteLine($"joined as {string.Join(", ", options.Roles)}; bulk plane at {node.Hello.BulkAddress}, kernels {node.Hello.Kernel}");
            context.Output.Flush();
            await Task.WhenAny(node.Ended, Task.Delay(Timeout.Infinite, stop)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Stopped before it was taken in.
        }

        if (stop.IsCancellationRequested)
        {
            context.Output.WriteLine("leaving");
            await node.LeaveAsync().ConfigureAwait(false);
        }

        return (await node.Ended.ConfigureAwait(false), node.Address, node.Met);
    }

    /// <summary>A terminal's Ctrl-C comes to every process it started; whoever started this one stops the run first, and ends the input then.</summary>
    private static PosixSignalRegistration EndWithInput()
    {
        _ = EndWithInputAsync();
        return PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
    }

    private static async Task EndWithInputAsync()
    {
        using Stream input = Console.OpenStandardInput();
        var buffer = new byte[64];
        while (await input.ReadAsync(buffer).ConfigureAwait(false) > 0)
        {
            // Nothing is expected but the end.
        }

        // Its cluster ends with it: there is nobody to say goodbye to.
        Environment.Exit(ExitCode.Success);
    }
}
