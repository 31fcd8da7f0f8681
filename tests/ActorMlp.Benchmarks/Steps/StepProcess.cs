using System.Diagnostics;
using System.Globalization;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>A process that trains when it is told to, bound to as many processors as it has threads.</summary>
internal sealed class StepProcess : IDisposable
{
    private readonly Process process;
    private readonly string name;

    /// <summary>Starts <paramref name="command"/> bound to processors.</summary>
    public StepProcess(string name, string[] command, int processors, IReadOnlyDictionary<string, string> environment)
    {
        this.name = name;

        // The last processors, since the first ones tend to serve the machine's interrupts.
        int end = Environment.ProcessorCount - 1;
        var start = new ProcessStartInfo("taskset", ["-c", $"{end - processors + 1}-{end}", .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach ((string key, string value) in environment)
        {
            start.Environment[key] = value;
        }

        process = Process.Start(start) ?? throw new InvalidOperationException($"{name} did not start");
    }

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
        return process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{name} ended on: {line}");
    }
}
