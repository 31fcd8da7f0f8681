using System.Diagnostics;
using System.Text.Json;
using ActorMlp.Cli.Chaos;

namespace ActorMlp.Cli.Tests.Chaos;

/// <summary>Short runs on real processes.</summary>
public sealed class ChaosRunTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Links_that_delay_lose_corrupt_duplicate_and_reorder_leave_the_hash_as_it_is()
    {
        Assert.SkipUnless(SocketOwner.IsSupported, "it takes Linux");
        using var folder = new TemporaryFolder();
        JsonElement report = await RunAsync(folder, epochs: 20, """
            faults:
              - {kind: delay, at: {step: 10}, by: 2ms, duration: 1s, target: [0, 1]}
              - {kind: loss, at: {step: 20}, rate: 0.01, duration: 1s}
              - {kind: corrupt, at: {step: 60}, plane: bulk}
              - {kind: duplicate, at: {step: 100}, rate: 0.02, duration: 500ms, plane: bulk}
              - {kind: reorder, at: {step: 200}, rate: 0.02, duration: 500ms, target: 1, plane: bulk}
            """);
        JsonElement links = report.GetProperty("links");
        Assert.All(["segmentsLost", "chunksCorrupted", "broken"], key => Assert.True(links.GetProperty(key).GetInt64() > 0, $"{key}: {links}"));
        Assert.All(report.GetProperty("faults").EnumerateArray(), fault => Assert.Equal(JsonValueKind.Null, fault.GetProperty("skipped").ValueKind));
        Assert.Equal(0, report.GetProperty("stepsLost").GetInt64());
    }

    [Fact]
    public async Task Full_disk_fails_the_run_which_is_resumed_once_there_is_room_with_the_same_hash()
    {
        using var folder = new TemporaryFolder();
        string probe = Directory.CreateDirectory(folder.At("probe")).FullName;
        Assert.SkipUnless(SystemCommand.Try("mount", "-t", "tmpfs", "actormlp", probe) is null, "it takes the right to mount");
        SystemCommand.Run("umount", probe);
        JsonElement report = await RunAsync(folder, epochs: 10, """
            faults:
              - {kind: fillDisk, at: {step: 50}, duration: 500ms}
            """);
        Assert.Equal(1, report.GetProperty("resumptions").GetInt32());
        Assert.InRange(report.GetProperty("stepsLost").GetInt64(), 1, 40);
        Assert.True(File.Exists(folder.At("run/checkpoints/last.safetensors")), "the checkpoints went with their disk");
    }

    private static async Task<JsonElement> RunAsync(TemporaryFolder folder, int epochs, string script)
    {
        using Process process = CommandProcess.Start(
            "chaos", folder.File("faults.yaml", script), "--config", Path.Combine(Repository.Configs, "digits.yaml"), "--nodes", "2",
            "--set", $"training.epochs={epochs}", "--out", folder.At("run"), "--format", "json");
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == ExitCode.Success, $"{output}\n{await errors}");
        JsonElement report = JsonDocument.Parse(output.Trim().Split('\n')[^1]).RootElement;
        Assert.True(report.GetProperty("isEqual").GetBoolean());
        return report;
    }
}
