using System.Runtime.InteropServices;
using ActorMlp.Data;
using ActorMlp.Data.Cache;
using Spectre.Console;

namespace ActorMlp.Cli;

/// <summary>What commands talk to: output, errors, the terminal, the clock and the wish to stop.</summary>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="Terminal">The terminal that live views are drawn on; null where output goes elsewhere.</param>
/// <param name="Time">The clock.</param>
internal sealed record CommandContext(TextWriter Output, TextWriter Error, IAnsiConsole? Terminal, TimeProvider Time)
{
    /// <summary>Standard input.</summary>
    public TextReader Input { get; init; } = Console.In;

    /// <summary>The process's own.</summary>
    public static CommandContext ForTerminal(IAnsiConsole console) => new(
        Console.Out,
        Console.Error,
        console.Profile.Capabilities.Interactive && !Console.IsOutputRedirected ? console : null,
        TimeProvider.System);

    /// <summary>Writes problems, a line each, and gives the exit code for them.</summary>
    public int BadInput(IEnumerable<string> problems)
    {
        foreach (string problem in problems)
        {
            Error.WriteLine(problem);
        }

        return ExitCode.BadInput;
    }

    /// <summary>Says so, on standard error, where a data cache was written, and why if the one before it was damaged.</summary>
    public void TellOfCache(LoadedData data)
    {
        if (data.CacheUse?.Warning is { } warning)
        {
            Error.WriteLine($"warning: {warning}");
        }

        if (data.CacheUse is { Outcome: not DataCacheOutcome.Found } use)
        {
            Error.WriteLine($"made the data cache {use.Path}");
        }
    }

    /// <summary>A token that Ctrl-C or a polite kill cancels; the second one ends the process as usual.</summary>
    public IDisposable OnInterrupt(CancellationTokenSource stop) => On(stop, PosixSignal.SIGINT, PosixSignal.SIGTERM);

    /// <summary>A token that a polite kill cancels; the second one ends the process as usual.</summary>
    public IDisposable OnTerminate(CancellationTokenSource stop) => On(stop, PosixSignal.SIGTERM);

    private Registrations On(CancellationTokenSource stop, params PosixSignal[] signals)
    {
        void Handle(PosixSignalContext context)
        {
            if (!stop.IsCancellationRequested)
            {
                context.Cancel = true;
                stop.Cancel();
            }
            else
            {
                // The process ends here and now; a live view has hidden the cursor.
                Terminal?.Cursor.Show();
            }
        }

        return new Registrations([.. signals.Select(signal => PosixSignalRegistration.Create(signal, Handle))]);
    }

    private sealed class Registrations(params IDisposable[] all) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable one in all)
            {
                one.Dispose();
            }
        }
    }
}
