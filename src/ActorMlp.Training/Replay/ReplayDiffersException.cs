namespace ActorMlp.Training.Replay;

/// <summary>A log tells of a run that cannot have been; the message is for the user.</summary>
/// <param name="message">What is wrong, and in which line.</param>
public sealed class ReplayDiffersException(string message) : Exception(message);
