using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ActorMlp.Cli.Tests.Commands;

/// <summary>The command in processes of their own, under other instruction sets.</summary>
public sealed class KernelTests
{
    private static readonly Lazy<Task<string>> Usual = new(() => HashAsync(null, null));

    public static TheoryData<string, string> Settings { get; } = new()
    {
        { "ACTORMLP_KERNEL", "scalar" },
        { "ACTORMLP_KERNEL", "vector128" },
        { "ACTORMLP_KERNEL", "vector256" },
        { "ACTORMLP_KERNEL", "vector512" },
        { "DOTNET_EnableAVX512", "0" },
        { "DOTNET_EnableFMA", "0" },
        { "DOTNET_EnableAVX2", "0" },
        { "DOTNET_EnableHWIntrinsic", "0" },
    };

    [Theory]
    [MemberData(nameof(Settings))]
    public async Task Train_under_any_instruction_set_gives_the_same_hash(string variable, string value)
    {
        Assert.Equal(await Usual.Value, await HashAsync(variable, value));
    }

    [Fact]
    public async Task Train_with_an_unknown_kernel_is_refused_and_says_what_is_allowed()
    {
        using var folder = new TemporaryFolder();
        (int code, _, string error) = await TrainAsync(folder.At("run"), "ACTORMLP_KERNEL", "vector1024");
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("ACTORMLP_KERNEL=vector1024 names no kernels; allowed are vector512, vector256, vector128, scalar", error, StringComparison.Ordinal);
    }

    private static async Task<string> HashAsync(string? variable, string? value)
    {
        using var folder = new TemporaryFolder();
        (int exitCode, string output, string error) = await TrainAsync(folder.At("run"), variable, value);
        Assert.True(exitCode == 0, error);
        return (string)JsonNode.Parse(output)!["weightsSha256"]!;
    }

    private static async Task<(int ExitCode, string Output, string Error)> TrainAsync(string run, string? variable, string? value)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            Path.Combine(AppContext.BaseDirectory, "actormlp.dll"), "train", Path.Combine(Repository.Configs, "digits.yaml"),
            "--set", "training.epochs=1", "--set", "model.hidden=[33, 17]", "--set", "model.activation=[tanh, sigmoid]", "--set", "training.clipNorm=0.5",
            "--set", "output.plot=false", "--format", "json", "--quiet", "--out", run,
        })
        {
            start.ArgumentList.Add(argument);
        }

        if (variable is not null)
        {
            start.Environment[variable] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output, await error);
    }
}
