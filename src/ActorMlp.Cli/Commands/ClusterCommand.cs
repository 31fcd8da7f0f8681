using System.CommandLine;
using System.CommandLine.Parsing;
using ActorMlp.Cli.Views;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using ActorMlp.Cluster.Wire;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp cluster</c>.</summary>
internal static class ClusterCommand
{
    /// <summary>The largest number of days: as long as an authority lasts.</summary>
    private const int MostDays = 3650;

    public static Command Create(CommandContext context) => new("cluster", "Prepares a cluster of nodes, and asks it how it is.")
    {
        CreateStatus(context),
        CreateLeave(context),
        CreateCertificates(context),
    };

    private static Command CreateStatus(CommandContext context)
    {
        var arguments = new NodeArguments("127.0.0.1:0");
        Option<string[]> to = NodeArguments.Contacts();
        Option<string> format = CommonOptions.Format();
        var command = new Command("status", "Lists the nodes of a cluster, and what they train.") { to, format };
        arguments.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            ClusterStatus status = await ClusterClient.AskStatusAsync(
                arguments.Read(parsed, Path.GetTempPath()), parsed.GetRequiredValue(to), context.Time).ConfigureAwait(false);
            context.Output.WriteLine(parsed.GetValue(format) == CommonOptions.Json ? StatusText.ToJson(status) : StatusText.Describe(status));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command CreateLeave(CommandContext context)
    {
        var arguments = new NodeArguments("127.0.0.1:0");
        Option<string[]> to = NodeArguments.Contacts();
        var command = new Command("leave", "Lets a node leave in order: it hands over what it has in a run, and ends.") { to };
        arguments.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            foreach (string node in parsed.GetRequiredValue(to))
            {
                await ClusterClient.LeaveAsync(arguments.Read(parsed, Path.GetTempPath()), node, context.Time).ConfigureAwait(false);
                context.Output.WriteLine($"{node} leaves");
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command CreateCertificates(CommandContext context)
    {
        var output = new Option<string>("--out") { Description = "The folder; its authority is used again if it has one.", HelpName = "DIR", Required = true };
        var nodes = new Option<string[]>("--nodes")
        {
            Description = "The hosts that nodes are called by, such as node-1,node-2,10.0.0.7; one node's further hosts after a slash: node-1/10.0.0.5",
            HelpName = "name[,name…]",
            Required = true,
            CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))],
        };
        var days = new Option<int>("--days") { Description = "How long the nodes' certificates are good for.", HelpName = "N", DefaultValueFactory = _ => 365 };
        var force = new Option<bool>("--force") { Description = "Makes new certificates for nodes that have some; the authority stays." };
        nodes.Validators.Add(result => Report(result, HostProblems(result.GetValueOrDefault<string[]>() ?? [])));
        days.Validators.Add(result => Report(
            result, result.GetValueOrDefault<int>() is < 1 or > MostDays ? [$"--days: allowed are 1 to {MostDays}"] : []));
        var command = new Command("certificates", "Makes an authority, and a certificate it signs for each node.") { output, nodes, days, force };
        command.SetAction(parsed =>
        {
            IReadOnlyList<string> written = new CertificateFolder(parsed.GetRequiredValue(output)).Issue(
                [.. parsed.GetRequiredValue(nodes).Select(node => node.Split('/'))],
                context.Time.GetUtcNow(),
                TimeSpan.FromDays(parsed.GetValue(days)),
                parsed.GetValue(force));
            foreach (string file in written)
            {
                context.Output.WriteLine(file);
            }

            context.Output.WriteLine("Give each node its own files and ca.pem. Keep ca-key.pem off the nodes: whoever has it can join.");
            return ExitCode.Success;
        });
        return command;
    }

    private static IEnumerable<string> HostProblems(string[] nodes)
    {
        if (nodes.Length == 0)
        {
            yield return "--nodes: no node is named";
        }

        foreach (string host in nodes.SelectMany(node => node.Split('/')))
        {
            if (!NodeAddress.IsHost(host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host))
            {
                yield return $"--nodes: '{host}' is neither a DNS name (*. may stand for its first label) nor an IPv4 address";
            }
        }

        foreach (IGrouping<string, string> twice in nodes.GroupBy(node => node.Split('/')[0]).Where(group => group.Count() > 1))
        {
            yield return $"--nodes: '{twice.Key}' is named {twice.Count()} times";
        }

        if (nodes.Any(node => node.Split('/')[0] is "ca"))
        {
            yield return "--nodes: 'ca' is the name of the authority's files";
        }
    }

    private static void Report(OptionResult result, IEnumerable<string> problems)
    {
        foreach (string problem in problems)
        {
            result.AddError(problem);
        }
    }
}
