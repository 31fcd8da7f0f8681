namespace ActorMlp.Training.Audits;

/// <summary>Something of a run does not hold.</summary>
/// <param name="problem">What was expected, and what is there.</param>
public sealed class AuditException(string problem) : Exception(problem);
