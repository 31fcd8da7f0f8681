using ActorMlp.Training.Configuration;

namespace ActorMlp.Cluster.Runs;

/// <summary>A run as nodes get it: each finds the data files by itself.</summary>
/// <param name="Options">The run file, with data files as they are written there.</param>
/// <param name="Folder">The run file's folder, where a node looks for them after its own data folder.</param>
public sealed record RunSource(RunOptions Options, string Folder);
