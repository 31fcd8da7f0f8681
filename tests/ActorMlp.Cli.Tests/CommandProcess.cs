using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace ActorMlp.Cli.Tests;

/// <summary>The command as a process of its own.</summary>
internal static class CommandProcess
{
    /// <summary>Processes that tests start, and those that these start, run for seconds: as for the tests themselves (tests/Directory.Build.props), profiles cost more than they bring.</summary>
#pragma warning disable CA2255 // This is the program, not a library.
    [ModuleInitializer]
    internal static void DoWithoutProfiles() => Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0");
#pragma warning restore CA2255

    public static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "actormlp.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
