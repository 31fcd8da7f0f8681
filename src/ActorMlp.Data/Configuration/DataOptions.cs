using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace ActorMlp.Data.Configuration;

/// <summary>How a data file is laid out.</summary>
public enum DataFormat
{
    /// <summary>Delimited text, plain or gzip.</summary>
    Csv,

    /// <summary>MNIST's IDX format, plain or gzip: a file of inputs and a file of labels.</summary>
    Idx,
}

/// <summary>What the target column means.</summary>
public enum DataTask
{
    /// <summary>The target is a class.</summary>
    Classification,

    /// <summary>The target is a number.</summary>
    Regression,
}

/// <summary>How inputs are scaled, by constants fitted on the training rows only.</summary>
public enum ScalingKind
{
    /// <summary>As they are.</summary>
    None,

    /// <summary>(x - mean) / standard deviation, column by column; constant columns become 0.</summary>
    Standardize,

    /// <summary>(x - min) / (max - min), column by column; constant columns become 0.</summary>
    MinMax,

    /// <summary>x / 255: bytes of an image to [0, 1].</summary>
    Pixel,
}

/// <summary>How the nodes of a cluster come by the rows. Cannot change a bit of the result.</summary>
public enum DataDistribution
{
    /// <summary>Each node reads data files of its own.</summary>
    Local,

    /// <summary>A node without data files that are equal gets the rows from where the run was submitted, and keeps them.</summary>
    Stream,
}

/// <summary>Where the rows of a run are while it trains. Cannot change a bit of the result.</summary>
public enum CacheMode
{
    /// <summary>In memory, read from the data files at every start.</summary>
    None,

    /// <summary>In a binary file that is mapped into memory: made at the first start, found again by the hash of section and data files.</summary>
    Auto,
}

/// <summary>The section <c>data</c> of a run file.</summary>
public sealed record DataOptions
{
    /// <summary>File format.</summary>
    [Description("Format of the data files.")]
    public DataFormat Format { get; init; } = DataFormat.Csv;

    /// <summary>Training file.</summary>
    [Description("Training rows: a CSV file, or the IDX file of inputs. Relative to the run file, or to --data-dir.")]
    [Required]
    public string Train { get; init; } = "";

    /// <summary>IDX labels of the training file.</summary>
    [Description("IDX only: labels of the training rows.")]
    public string? TrainLabels { get; init; }

    /// <summary>Validation file.</summary>
    [Description("Validation rows, where they are a file of their own.")]
    public string? Validation { get; init; }

    /// <summary>IDX labels of the validation file.</summary>
    [Description("IDX only: labels of the validation rows.")]
    public string? ValidationLabels { get; init; }

    /// <summary>Test file.</summary>
    [Description("Test rows, where they are a file of their own.")]
    public string? Test { get; init; }

    /// <summary>IDX labels of the test file.</summary>
    [Description("IDX only: labels of the test rows.")]
    public string? TestLabels { get; init; }

    /// <summary>Whether a CSV file starts with column names.</summary>
    [Description("CSV only: whether the first line names the columns; without it they are c0, c1, …")]
    public bool Header { get; init; } = true;

    /// <summary>The target column of a CSV file.</summary>
    [Description("CSV only: the column to predict; required there.")]
    public string? Target { get; init; }

    /// <summary>Columns of a CSV file that are not inputs.</summary>
    [Description("CSV only: columns that are neither inputs nor target.")]
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>What the target means.</summary>
    [Description("Whether the target is a class or a number.")]
    public DataTask Task { get; init; } = DataTask.Classification;

    /// <summary>Scaling of the inputs.</summary>
    [Description("Scaling of the inputs, by constants fitted on the training rows only.")]
    public ScalingKind Scaling { get; init; } = ScalingKind.Standardize;

    /// <summary>Whether a regression target is standardised for training; metrics are in the target's own units either way.</summary>
    [Description("Regression only: train on (target - mean) / standard deviation; metrics stay in the target's own units.")]
    public bool StandardizeTarget { get; init; } = true;

    /// <summary>Share of the training file's rows that is held out for validation.</summary>
    [Description("Share of the training file held out for validation, where that has no file of its own.")]
    [Range(0.0, 0.9)]
    public double ValidationFraction { get; init; }

    /// <summary>Share of the training file's rows that is held out for the test.</summary>
    [Description("Share of the training file held out for the test, where that has no file of its own.")]
    [Range(0.0, 0.9)]
    public double TestFraction { get; init; }

    /// <summary>Whether splits keep the share of each class.</summary>
    [Description("Classification only: whether splits keep the share of each class.")]
    public bool Stratify { get; init; } = true;

    /// <summary>Seed of the splits; null for the run's seed.</summary>
    [Description("Seed of the splits; the run's seed if absent.")]
    public ulong? SplitSeed { get; init; }

    /// <summary>Reads only this many rows of the training file, from its start; null for all.</summary>
    [Description("Reads only the first rows of the training file, for short experiments.")]
    [Range(1, int.MaxValue)]
    public int? LimitRows { get; init; }

    /// <summary>Whether rows are read from a cache; left out of JSON where it is not used, so that it is no part of a run's identity.</summary>
    [Description("Where the rows are while training: none keeps them in memory; auto in a binary file in data.cacheDirectory that is mapped into memory, for data larger than it. auto makes the file at the first start and finds it again by the hash of this section and of the data files, which are read for that at every start. Cannot change a bit of the result.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public CacheMode Cache { get; init; } = CacheMode.None;

    /// <summary>How nodes come by the rows; left out of JSON where it is not used.</summary>
    [Description("On a cluster of nodes: local lets each node read data files of its own; stream sends the rows, as a data cache, to nodes that have no equal files, and they keep it, found again by its hash. Cannot change a bit of the result.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DataDistribution Distribution { get; init; } = DataDistribution.Local;

    /// <summary>Folder of caches; null for <c>data-cache</c>.</summary>
    [Description("Folder of the files that data.cache: auto makes; relative to the current directory. data-cache if absent.")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CacheDirectory { get; init; }
}
