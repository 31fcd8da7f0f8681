using ActorMlp.Training.Faults;

namespace ActorMlp.Training.Simulation;

/// <summary>A fault that struck, or why it did not.</summary>
/// <param name="At">Virtual time.</param>
/// <param name="Step">Steps committed by then.</param>
/// <param name="Fault">Which.</param>
/// <param name="Processes">Whom it struck; empty where it strikes no process, or did not strike.</param>
/// <param name="Skipped">Why nothing happened; null where it struck.</param>
public sealed record StruckFault(TimeSpan At, long Step, Fault Fault, IReadOnlyList<int> Processes, string? Skipped);
