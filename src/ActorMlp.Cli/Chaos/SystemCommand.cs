using System.Diagnostics;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cli.Chaos;

/// <summary>Commands of the system: <c>ip</c>, <c>iptables</c>, <c>mount</c>.</summary>
internal static class SystemCommand
{
    /// <summary>Runs one.</summary>
    /// <exception cref="NodeException">It is not there, or fails.</exception>
    public static void Run(string program, params string[] arguments)
    {
        if (Try(program, arguments) is { } problem)
        {
            throw new NodeException($"{program} {string.Join(' ', arguments)}: {problem}");
        }
    }

    /// <summary>Runs one.</summary>
    /// <returns>What it complains of; null if it succeeds.</returns>
    public static string? Try(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        arguments.ToList().ForEach(start.ArgumentList.Add);
        try
        {
            using Process process = Process.Start(start)!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : error.Trim();
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            return $"{exception.Message} (Debian: iproute2, iptables, mount)";
        }
    }
}
