using System.Globalization;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Storage;

namespace ActorMlp.Cli.Runs;

/// <summary>Which folder a run works in, and its name.</summary>
internal static class RunFolder
{
    private const string TimeFormat = "yyyyMMdd-HHmmss";

    /// <summary>The folder of a new run: what <c>--out</c> says, or name and time below output.directory.</summary>
    public static RunDirectory ForNewRun(RunOptions options, string? output, TimeProvider time)
    {
        if (output is not null)
        {
            return new RunDirectory(output);
        }

        string name = $"{options.Name}-{time.GetLocalNow().ToString(TimeFormat, CultureInfo.InvariantCulture)}";
        string path = Path.Combine(options.Output.Directory, name);
        for (int again = 2; Directory.Exists(path); again++)
        {
            path = Path.Combine(options.Output.Directory, $"{name}-{again}");
        }

        return new RunDirectory(path);
    }

    /// <summary>The folder to resume: what <c>--out</c> says, or the newest of this name that has a checkpoint.</summary>
    /// <exception cref="StorageException">There is none.</exception>
    public static RunDirectory ToResume(RunOptions options, string? output)
    {
        if (output is not null)
        {
            return new RunDirectory(output);
        }

        string root = options.Output.Directory;
        string? newest = Directory.Exists(root)
            ? Directory.EnumerateDirectories(root, options.Name + "-*")
                .Where(path => File.Exists(new RunDirectory(path).LastCheckpoint))
                .OrderByDescending(path => File.GetLastWriteTimeUtc(new RunDirectory(path).LastCheckpoint))
                .FirstOrDefault()
            : null;
        return newest is null
            ? throw new StorageException(root, $"has no run named '{options.Name}-…' with a checkpoint to resume; name its folder with --out")
            : new RunDirectory(newest);
    }

    /// <summary>The run's id: the name of its folder.</summary>
    public static string IdOf(RunDirectory directory) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory.Path)));
}
