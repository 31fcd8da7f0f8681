using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Benchmarks.Steps;

namespace ActorMlp.Benchmarks.Processes;

/// <summary>What the peer said of one measurement.</summary>
/// <param name="ComputesWith">Its release and its library of matrix products.</param>
/// <param name="Losses">Mean losses of its first steps.</param>
/// <param name="SamplesPerSecond">The median over its slices.</param>
internal sealed record DdpResult(string ComputesWith, double[] Losses, double SamplesPerSecond);

/// <summary>PyTorch's DistributedDataParallel with gloo, by tests/peers/ddp/train.py.</summary>
internal sealed class DdpPeer
{
    /// <summary>The interpreter that Debian's python3-torch belongs to; another one on the path would not have it.</summary>
    private const string Interpreter = "/usr/bin/python3";

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);

    private readonly string script;

    private DdpPeer(string script) => this.script = script;

    /// <summary>The peer, or null where PyTorch is not installed.</summary>
    public static DdpPeer? Find()
    {
        if (!File.Exists(Interpreter))
        {
            return null;
        }

        using Process probe = Process.Start(new ProcessStartInfo(Interpreter, ["-c", "import torch"]) { RedirectStandardError = true })!;
        probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        return probe.ExitCode == 0 ? new DdpPeer(Path.Combine(PeerProgram.RepositoryRoot(), "tests", "peers", "ddp", "train.py")) : null;
    }

    /// <summary>Trains the network of <see cref="RunCommand"/> for a while.</summary>
    /// <param name="processes">Processes, of one thread each.</param>
    /// <param name="batch">Rows of a step, of all processes together.</param>
    /// <param name="span">How long, beside a warm-up.</param>
    public async Task<DdpResult> MeasureAsync(int processes, int batch, TimeSpan span)
    {
        string[] arguments =
        [
            script, "--processes", $"{processes}", "--batch", $"{batch}",
            "--warm-up", WarmUp.TotalSeconds.ToString(CultureInfo.InvariantCulture), "--slices", $"{(int)span.TotalSeconds}",
        ];
        var start = new ProcessStartInfo(Interpreter, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        PeerEnvironment.Apply(start, threads: 1);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{script} failed: {await errors.ConfigureAwait(false)}");
        }

        JsonNode[] lines = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        return new DdpResult(
            $"PyTorch {lines[0]["torch"]}, {lines[0]["blas"]}",
            [.. lines[1]["losses"]!.AsArray().Select(loss => loss!.GetValue<double>())],
            Statistics.Median(lines[2..].Select(line => line["samplesPerSecond"]!.GetValue<double>())));
    }
}
