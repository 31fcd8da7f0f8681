using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ActorMlp.Cli.Runs;
using ActorMlp.Cluster.Faults;
using ActorMlp.Cluster.Nodes;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cli.Commands;

/// <summary><c>actormlp link</c>: a link between nodes that misbehaves as it is told, for tests and fault scripts.</summary>
internal static class LinkCommand
{
    /// <summary>What the command writes to standard output before its address, once it listens.</summary>
    public const string Announcement = "link listening at ";

    public static Command Create(CommandContext context)
    {
        Option<string> listen = Address("--listen", "Where to accept connections, host:port; port 0 for any free port.", required: true);
        Option<string> to = Address("--to", "Where they go; if absent, where each was meant to go before iptables redirected it here.", required: false);
        Option<string?> delay = Quantity("--delay", "TIME", "What every byte takes, at least.", LinkQuantity.TimeForm, text => LinkQuantity.TryParseTime(text, out _));
        Option<string?> jitter = Quantity("--jitter", "TIME", "What it takes more at most.", LinkQuantity.TimeForm, text => LinkQuantity.TryParseTime(text, out _));
        Option<string?> loss = Quantity("--loss", "SHARE", "Share of segments that are lost and sent again.", LinkQuantity.ShareForm, text => LinkQuantity.TryParseShare(text, out _));
        Option<string?> rate = Quantity("--rate", "RATE", "What all connections carry together, each way.", LinkQuantity.RateForm, text => LinkQuantity.TryParseRate(text, out _));
        var seed = new Option<ulong>("--seed") { Description = "Decides which segments are lost.", HelpName = "N", DefaultValueFactory = _ => 0 };
        var mark = new Option<int?>("--mark") { Description = "Marks the packets to targets, for a rule that must not redirect them; needs root.", HelpName = "N" };
        var logFile = new Option<string?>("--log") { Description = "File for the link's log, JSON lines; none if absent.", HelpName = "FILE" };
        var command = new Command("link", "Passes connections on, slower and less reliably; reads from standard input, a line each, what to do to them, until it ends.")
        {
            listen, to, delay, jitter, loss, rate, seed, mark, logFile,
        };
        command.Hidden = true;
        command.SetAction(async (parsed, _) =>
        {
            var conditions = new LinkConditions
            {
                Delay = LinkQuantity.TryParseTime(parsed.GetValue(delay) ?? "0s", out TimeSpan least) ? least : default,
                Jitter = LinkQuantity.TryParseTime(parsed.GetValue(jitter) ?? "0s", out TimeSpan more) ? more : default,
                Loss = LinkQuantity.TryParseShare(parsed.GetValue(loss) ?? "0", out double share) ? share : default,
                BitsPerSecond = LinkQuantity.TryParseRate(parsed.GetValue(rate) ?? "off", out double? bits) ? bits : default,
            };
            if (conditions.Problem is { } problem)
            {
                return context.BadInput([$"--{problem}"]);
            }

            var options = new LinkProxyOptions
            {
                Listen = Resolve("--listen", parsed.GetRequiredValue(listen)),
                Target = parsed.GetValue(to) is { } target ? Resolve("--to", target) : null,
                Mark = parsed.GetValue(mark),
            };
            using ILoggerFactory logging = parsed.GetValue(logFile) is { } file ? RunLogging.Create(file) : LoggerFactory.Create(_ => { });
            ILogger log = logging.CreateLogger("ActorMlp.Link");
            await using var link = new Link(parsed.GetValue(seed), conditions, context.Time, log);
            await using LinkProxy proxy = LinkProxy.Start(options, link, log);
            context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Announcement}{proxy.Address}"));
            context.Output.Flush();
            using var stop = new CancellationTokenSource();
            using IDisposable interrupt = context.OnInterrupt(stop);
            await ObeyAsync(context, link, stop.Token).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task ObeyAsync(CommandContext context, Link link, CancellationToken stop)
    {
        try
        {
            // A console is read by blocking: on a thread that nobody waits for once the process is to end.
            while (await Task.Run(() => context.Input.ReadLine(), stop).WaitAsync(stop).ConfigureAwait(false) is { } line)
            {
                context.Output.WriteLine(LinkInstructions.Apply(link, line));
                context.Output.Flush();
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    private static Option<string> Address(string name, string description, bool required)
    {
        var option = new Option<string>(name) { Description = description, HelpName = "HOST:PORT", Required = required };
        option.Validators.Add(result => Check(result, text => NodeAddress.TryParse(text, out _), "host:port, where host is a DNS name or an IPv4 address"));
        return option;
    }

    private static Option<string?> Quantity(string name, string helpName, string description, string form, Func<string, bool> isRight)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = helpName };
        option.Validators.Add(result => Check(result, isRight, form));
        return option;
    }

    private static void Check(OptionResult result, Func<string, bool> isRight, string form)
    {
        if (result.GetValueOrDefault<string?>() is { } text && !isRight(text))
        {
            result.AddError($"{result.Option.Name}: expected {form}, got '{text}'");
        }
    }

    private static IPEndPoint Resolve(string option, string text)
    {
        if (!NodeAddress.TryParse(text, out NodeAddress address))
        {
            throw new NodeException($"{option}: '{text}' is not host:port");
        }

        if (IPAddress.TryParse(address.Host, out IPAddress? ip))
        {
            return new IPEndPoint(ip, address.Port);
        }

        try
        {
            return new IPEndPoint(Dns.GetHostAddresses(address.Host, AddressFamily.InterNetwork)[0], address.Port);
        }
        catch (Exception exception) when (exception is SocketException or IndexOutOfRangeException)
        {
            throw new NodeException($"{option}: {address.Host} has no IPv4 address", exception);
        }
    }
}
