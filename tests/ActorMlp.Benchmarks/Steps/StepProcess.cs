using System.Diagnostics;
using System.Globalization;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>A process that trains when it is told to, bound to as many processors as it has threads.</summary>
internal sealed class StepProcess : IDisposable
{
    private readonly Process process;
    private readonly string name;

    /// <summary>Starts <paramref name="command"/> bound to processors.</summary>
    private StepProcess(string name, string[] command, int processors, Action<ProcessStartInfo> prepare)
    {
        this.name = name;

        // The last processors, since the first ones tend to serve the machine's interrupts.
        int end = Environment.ProcessorCount - 1;
        var start = new ProcessStartInfo("taskset", ["-c", $"{end - processors + 1}-{end}", .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        prepare(start);
        process = Process.Start(start) ?? throw new InvalidOperationException($"{name} did not start");
    }

    /// <summary>Most memory that was ever resident, in bytes.</summary>
    public long PeakBytes => long.Parse(
        File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        CultureInfo.InvariantCulture) * 1024;

    /// <summary>A process with this program's engine.</summary>
    public static StepProcess Engine(int threads) =>
        new("the engine", [Environment.ProcessPath!, "step-server"], threads, _ => { });

    /// <summary>A process with a peer, held to the same threads and vectors.</summary>
    /// <param name="name">What it is called in messages.</param>
    /// <param name="program">The program.</param>
    /// <param name="threads">Its compute threads.</param>
    /// <param name="nursery">
    /// Bytes that it allocates between two garbage collections; null for the runtime's choice. TorchSharp 0.107.0 does not keep its scalars alive during
    /// native calls: if a collection comes just then, it ends with "Unknown scalar type" or SIGSEGV, as it did once in some hundred tasks.
    /// </param>
    public static StepProcess Peer(string name, PeerProgram program, int threads, long? nursery = null) => new(name, program.Command, threads, start =>
    {
        foreach ((string key, string value) in program.Environment)
        {
            start.Environment[key] = value;
        }

        if (nursery is { } bytes)
        {
            start.Environment["DOTNET_GCgen0size"] = $"{bytes:x}";
        }

        PeerEnvironment.Apply(start, threads);
    });

    /// <summary>Makes the trainer of a task.</summary>
    public void Configure(StepTask task) => Ask($"task {task.ToLine()}");

    /// <summary>Trains and returns each step's mean loss.</summary>
    public double[] Losses(int steps) =>
        [.. Ask($"losses {steps}").Split(' ').Select(word => double.Parse(word, CultureInfo.InvariantCulture))];

    /// <summary>Trains and returns the seconds it took.</summary>
    public double Time(int steps) => double.Parse(Ask($"time {steps}"), CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private string Ask(string line)
    {
        process.StandardInput.WriteLine(line);
        process.StandardInput.Flush();
        if (process.StandardOutput.ReadLine() is { } answer)
        {
            return answer;
        }

        process.WaitForExit();
        throw new InvalidOperationException($"{name} ended with exit code {process.ExitCode} on: {line}");
    }
}
