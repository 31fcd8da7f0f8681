using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>What a coordinator wants done.</summary>
public abstract record CoordinatorEffect;

/// <summary>Tell every worker and parameter server of a view.</summary>
/// <param name="Message">What to tell.</param>
public sealed record PublishView(ViewPublished Message) : CoordinatorEffect;

/// <summary>Tell one worker.</summary>
/// <param name="Worker">Whom.</param>
/// <param name="Message">What.</param>
public sealed record TellWorker(WorkerId Worker, IWorkerMessage Message) : CoordinatorEffect;

/// <summary>Give every parameter server weights and optimizer state of its range, as of the arrangement's step.</summary>
/// <param name="Arrangement">Who gets what.</param>
public sealed record SupplyRanges(Arrangement Arrangement) : CoordinatorEffect;

/// <summary>Let a node go that wanted to leave: nothing depends on it any more.</summary>
/// <param name="Node">Its number.</param>
public sealed record ReleaseNode(int Node) : CoordinatorEffect;

/// <summary>Tell the parameter servers.</summary>
/// <param name="Message">What.</param>
public sealed record TellParameterServer(IParameterServerMessage Message) : CoordinatorEffect;

/// <summary>Tell those who watch the run.</summary>
/// <param name="Event">What.</param>
public sealed record Notify(RunEvent Event) : CoordinatorEffect;

/// <summary>The run is over.</summary>
/// <param name="Conclusion">How it ended.</param>
public sealed record ConcludeRun(RunConclusion Conclusion) : CoordinatorEffect;

/// <summary>The run cannot go on.</summary>
/// <param name="Reason">Why, for the user.</param>
public sealed record FailRun(string Reason) : CoordinatorEffect;
