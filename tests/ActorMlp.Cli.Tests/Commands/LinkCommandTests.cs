using System.Net;
using System.Net.Sockets;

namespace ActorMlp.Cli.Tests.Commands;

/// <summary><c>actormlp link</c>; what the link does to bytes is tested beside <c>LinkProxy</c>.</summary>
public sealed class LinkCommandTests
{
    /// <summary>Arguments, and what the error must say.</summary>
    public static TheoryData<string[], string> Refused { get; } = new()
    {
        { ["link"], "Option '--listen' is required" },
        { ["link", "--listen", "here"], "--listen: expected host:port, where host is a DNS name or an IPv4 address, got 'here'" },
        { ["link", "--listen", "127.0.0.1:0", "--to", "there"], "--to: expected host:port" },
        { ["link", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--delay", "5"], "--delay: expected a time such as 200us, 5ms or 1.5s, got '5'" },
        { ["link", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--jitter", "61s"], "--jitter is 61 s; allowed: 0 to 60 s" },
        { ["link", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--loss", "much"], "--loss: expected a share such as 0.01, got 'much'" },
        { ["link", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--loss", "0.9"], "--loss is 0.9; allowed: 0 to 0.5" },
        { ["link", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--rate", "1Gb"], "--rate: expected a rate such as 500kbit/s, 100Mbit/s or 1Gbit/s, or off, got '1Gb'" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Command_with_bad_input_says_what_and_begins_nothing(string[] arguments, string message)
    {
        CommandLine result = await CommandLine.RunAsync(arguments);
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Address_that_is_taken_is_named()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        CommandLine result = await CommandLine.RunAsync("link", "--listen", $"{taken.LocalEndPoint}", "--to", "127.0.0.1:1");
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains($"cannot listen at {taken.LocalEndPoint}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_line_of_input_is_answered_and_its_end_ends_the_link()
    {
        CommandLine result = await CommandLine.RunWithInputAsync(
            "delay 20ms\nloss 2\nstatus\ncut\nheal\nnonsense\n",
            "link", "--listen", "127.0.0.1:0", "--to", "localhost:1", "--delay", "5ms", "--jitter", "1ms", "--loss", "0.01", "--rate", "1Gbit/s", "--seed", "3");
        Assert.Equal((ExitCode.Success, ""), (result.ExitCode, result.Error));
        string[] lines = result.Output.TrimEnd().Split('\n');
        Assert.Matches("^link listening at 127\\.0\\.0\\.1:[1-9]\\d*$", lines[0]);
        Assert.Equal(
            ["ok", "error: 'loss 2': loss is 2; allowed: 0 to 0.5", "ok 0 connections, 0 open, 0 bytes out, 0 bytes back, 0 segments lost, 0 chunks corrupted, 0 connections broken", "ok", "ok"],
            lines[1..^1]);
        Assert.StartsWith("error: 'nonsense': is no instruction; allowed: delay TIME", lines[^1], StringComparison.Ordinal);
    }
}
