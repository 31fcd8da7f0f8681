using System.Globalization;
using ActorMlp.Cluster.Nodes;

namespace ActorMlp.Cli.Chaos;

/// <summary>
/// A disk of its own for a folder, which can be full: a tmpfs that is mounted over it, and made as small as what it holds. It takes root. When it is disposed, the files
/// that it holds go into the folder itself.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private const int PageBytes = 4096;
    private const string Roomy = "size=50%";
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    private readonly string folder;
    private readonly Lock gate = new();
    private int fillings;
    private TaskCompletionSource room = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SmallDisk(string folder)
    {
        this.folder = folder;
        room.SetResult();
    }

    /// <summary>Done while it has room; else as soon as it has.</summary>
    public Task HasRoom
    {
        get
        {
            lock (gate)
            {
                return room.Task;
            }
        }
    }

    /// <summary>Mounts it over an empty folder.</summary>
    /// <exception cref="NodeException">This process may not.</exception>
    public static SmallDisk Mount(string folder)
    {
        string path = Path.GetFullPath(folder);
        return SystemCommand.Try("mount", "-t", "tmpfs", "-o", $"{Roomy},mode=700", "actormlp", path) is { } problem
            ? throw new NodeException($"fillDisk: a small disk cannot be mounted at {path}: {problem}. It takes root and the right to mount; actormlp simulate needs neither")
            : new SmallDisk(path);
    }

    /// <summary>Leaves no room on it for a while.</summary>
    /// <param name="duration">How long.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends it before.</param>
    public async Task FillAsync(TimeSpan duration, TimeProvider time, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (fillings++ == 0)
            {
                room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        long began = time.GetTimestamp();
        while (time.GetElapsedTime(began) < duration && !cancellation.IsCancellationRequested)
        {
            Shrink();
            await Task.Delay(LookEvery, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        lock (gate)
        {
            if (--fillings == 0)
            {
                SystemCommand.Try("mount", "-o", $"remount,{Roomy}", folder);
                room.SetResult();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        string kept = folder + ".kept";
        Directory.CreateDirectory(kept);
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            File.Copy(file, Path.Combine(kept, Path.GetFileName(file)), overwrite: true);
        }

        // Lazily: somebody may still read a file.
        SystemCommand.Run("umount", "-l", folder);
        Directory.Delete(folder);
        Directory.Move(kept, folder);
    }

    /// <summary>To what it holds; whatever was removed meanwhile leaves no room either.</summary>
    private void Shrink()
    {
        var drive = new DriveInfo(folder);
        long least = Math.Max(PageBytes, drive.TotalSize - drive.TotalFreeSpace);
        if (least < drive.TotalSize)
        {
            // While a file grows it may hold more by now: then this fails, and the next look succeeds.
            SystemCommand.Try("mount", "-o", string.Create(CultureInfo.InvariantCulture, $"remount,size={least}"), folder);
        }
    }
}
