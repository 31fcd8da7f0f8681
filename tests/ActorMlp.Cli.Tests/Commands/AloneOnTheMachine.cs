namespace ActorMlp.Cli.Tests.Commands;

/// <summary>Tests that need so much of the machine that those which kill and time processes would suffer beside them.</summary>
[CollectionDefinition(nameof(AloneOnTheMachine), DisableParallelization = true)]
public sealed class AloneOnTheMachine;
