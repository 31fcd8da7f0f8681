using ActorMlp.Cluster.Runs;
using ActorMlp.Data;
using ActorMlp.Data.Configuration;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Cli.Configuration;

/// <summary>What overrides a run file, in the order in which it applies.</summary>
/// <param name="Set"><c>--set key=value</c>, as often as given.</param>
/// <param name="Workers"><c>--workers</c>.</param>
/// <param name="Threads"><c>--threads</c>.</param>
/// <param name="DataDirectory"><c>--data-dir</c>.</param>
/// <param name="CacheDirectory"><c>--cache-dir</c>.</param>
internal sealed record RunOverrides(
    IReadOnlyList<string> Set, string? Workers = null, string? Threads = null, string? DataDirectory = null, string? CacheDirectory = null)
{
    public static RunOverrides None { get; } = new([]);
}

/// <summary>A run file, read and checked.</summary>
/// <param name="Options">Its options, complete, its files as absolute paths; of no use where there are problems.</param>
/// <param name="Source">The same with data files as they are written, for nodes that have their own.</param>
/// <param name="Problems">All that is wrong with it.</param>
internal sealed record RunFile(RunOptions Options, RunSource Source, IReadOnlyList<ConfigurationProblem> Problems)
{
    /// <summary>Reads a run file and its overrides, and checks every rule.</summary>
    public static RunFile Load(string path, RunOverrides overrides)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new RunFile(new RunOptions(), new RunSource(new RunOptions(), ""), [new ConfigurationProblem(path, null, "", $"the run file cannot be read: {exception.Message}")]);
        }

        var binder = new OptionsBinder();
        var options = new RunOptions();
        binder.BindFile(options, text, path);
        foreach (string assignment in overrides.Set)
        {
            binder.BindOverride(options, assignment);
        }

        BindOption(binder, options, "cluster.workers", overrides.Workers, "--workers");
        BindOption(binder, options, "cluster.threads", overrides.Threads, "--threads");
        BindOption(binder, options, "data.cacheDirectory", overrides.CacheDirectory, "--cache-dir");
        options = options with { Name = options.Name ?? Path.GetFileNameWithoutExtension(path) };
        var paths = new DataPaths(Path.GetDirectoryName(Path.GetFullPath(path))!, overrides.DataDirectory);
        HashSet<string> reported = [.. binder.Problems.Select(problem => problem.Key)];
        foreach (OptionProblem problem in RunOptionsValidator.Check(options, paths).Where(problem => !reported.Contains(problem.Key)))
        {
            binder.Report(problem.Key, problem.Message, path);
        }

        // Nodes have security of their own, and need not know where it lies here.
        RunOptions source = options with { Cluster = options.Cluster with { SecretFile = null, Tls = new TlsOptions() } };
        options = options with { Data = Absolute(options.Data, paths), Cluster = Absolute(options.Cluster, paths.BaseDirectory) };
        return new RunFile(options, new RunSource(source, paths.BaseDirectory), binder.Problems);
    }

    private static void BindOption(OptionsBinder binder, RunOptions options, string key, string? value, string option)
    {
        if (value is not null)
        {
            binder.BindValue(options, key, value, $"{option} {value}");
        }
    }

    private static ClusterOptions Absolute(ClusterOptions cluster, string folder)
    {
        string? Full(string? path) => string.IsNullOrEmpty(path) ? path : Path.GetFullPath(path, folder);
        return cluster with
        {
            SecretFile = Full(cluster.SecretFile),
            Tls = new TlsOptions { Certificate = Full(cluster.Tls.Certificate), CertificateKey = Full(cluster.Tls.CertificateKey), Authority = Full(cluster.Tls.Authority) },
        };
    }

    private static DataOptions Absolute(DataOptions data, DataPaths paths)
    {
        string? Full(string? path) => string.IsNullOrEmpty(path) ? path : paths.Find(path) ?? path;
        return data with
        {
            Train = Full(data.Train)!,
            TrainLabels = Full(data.TrainLabels),
            Validation = Full(data.Validation),
            ValidationLabels = Full(data.ValidationLabels),
            Test = Full(data.Test),
            TestLabels = Full(data.TestLabels),
        };
    }
}
