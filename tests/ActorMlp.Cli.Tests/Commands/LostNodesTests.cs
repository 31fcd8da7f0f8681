using System.Diagnostics;

namespace ActorMlp.Cli.Tests.Commands;

/// <summary><c>train --processes</c> whose nodes are killed.</summary>
public sealed class LostNodesTests
{
    [Fact]
    public async Task Run_whose_only_node_is_killed_fails_at_once_with_the_checkpoint_to_go_on_from()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "children are looked for in /proc");
        using var folder = new TemporaryFolder();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using Process train = CommandProcess.Start(
            "train", Path.Combine(Repository.Configs, "digits.yaml"), "--set", "training.epochs=100000", "--quiet", "--processes", "1", "--out", folder.At("run"));
        string checkpoint = folder.At("run/checkpoints/last.safetensors");
        Task ended = train.WaitForExitAsync(cancellation);
        while (!File.Exists(checkpoint))
        {
            Assert.False(ended.IsCompleted, "the run ended by itself");
            await Task.WhenAny(ended, Task.Delay(10, cancellation));
        }

        using Process node = ChildOf(train);
        long killed = TimeProvider.System.GetTimestamp();
        node.Kill();
        string error = await train.StandardError.ReadToEndAsync(cancellation);
        await ended;
        Assert.Equal(1, train.ExitCode);
        Assert.Contains("the run failed: every node of the run has ended", error, StringComparison.Ordinal);
        Assert.Contains($"the last good checkpoint: {checkpoint}", error, StringComparison.Ordinal);

        // The keeper would look for another coordinator for 90 s.
        Assert.True(TimeProvider.System.GetElapsedTime(killed) < TimeSpan.FromSeconds(45), "it took as long as the keeper looks for a coordinator");
    }

    private static Process ChildOf(Process parent) => Process.GetProcesses().Single(process =>
    {
        try
        {
            // Process, name in parentheses, state, parent.
            string status = File.ReadAllText($"/proc/{process.Id}/stat");
            return status[(status.LastIndexOf(')') + 2)..].Split(' ')[1] == $"{parent.Id}";
        }
        catch (IOException)
        {
            return false;
        }
    });
}
