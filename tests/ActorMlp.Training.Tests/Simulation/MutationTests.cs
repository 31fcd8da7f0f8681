using ActorMlp.Training.Simulation.Search;

namespace ActorMlp.Training.Tests.Simulation;

/// <summary>
/// Whether the search for schedules of faults finds anything: the project's own source is compiled again with one mistake after the other in it, and the search must notice each within
/// 2,000 seeds. The one that found it last is tried first; the others if it no longer does.
/// </summary>
public sealed class MutationTests
{
    private const int Seeds = 2000;

    private static readonly Mistake[] Mistakes =
    [
        new(
            "a node mixes weights of two steps", "Machines/WeightsMachine.cs",
            "|| versions.Values.Any(version => version != message.Step)", "", 1),
        new(
            "a node takes weights of an older arrangement", "Machines/WeightsMachine.cs",
            "message.Arrangement == arrangement.Number && message.Step >", "message.Step >", 28),
        new(
            "a server that goes back a step applies it again", "Machines/ParameterServerMachine.Views.cs",
            "piece.Phase = PiecePhase.Applied;", "", 1),
        new(
            "what the lost lead had not told yet is not told by its standby", "Machines/ParameterServerMachine.Views.cs",
            "told[commit.Step] = commit;", "_ = commit;", 40),
        new(
            "a state that may still be asked for is forgotten", "Machines/KeeperMachine.cs",
            "step < Saved.Step &&", "step <= Saved.Step &&", 1),
        new(
            "a run goes back behind its newest checkpoint", "Machines/KeeperMachine.cs",
            "if (arrangement.Step < Saved.Step)", "if (arrangement.Shares > 0 && arrangement.Step < Saved.Step)", 272),
        new(
            "a run ends with the counts of the coordinator that took it over", "Machines/KeeperMachine.Coordinators.cs",
            "Progress = told.Counted(conclusion.Progress)", "Progress = conclusion.Progress", 615),
        new(
            "an epoch that is trained again is not told of", "Machines/KeeperMachine.cs",
            "(stepTold, epochTold) = (message.Step, message.Step);", "stepTold = message.Step;", 82),
        new(
            "what whoever keeps the run did not hear is not said again", "Machines/KeeperOutbox.cs",
            "return [.. unacknowledged.Take(MostAtOnce)];", "return [];", 13),
        new(
            "whoever keeps the run hears what follows a gap", "Machines/KeeperMachine.Coordinators.cs",
            "if (told.Number != Heard + 1)", "Heard = Math.Max(Heard, told.Number - 1); if (told.Number != Heard + 1)", 53),
        new(
            "every view is taken to be known in which a second computation may come", "Machines/ParameterServerMachine.cs",
            "views.GetValueOrDefault(part.View)", "views[part.View]", 1466),
        new(
            "what a helper computed is not in the ledger", "Machines/ParameterServerMachine.Help.cs",
            "redealt.EnterLate(owner.Number, shard);", "_ = owner;", 19),
        new(
            "a step is entered twice", "Machines/CoordinatorMachine.cs",
            "message.Step != progress.Step ||", "message.Step > progress.Step ||", 178),
        new(
            "a run that goes back to its checkpoint counts on from where it was", "Machines/CoordinatorMachine.Members.cs",
            "progress = saved;", "", 2),
        new(
            "a node may leave although it holds parameters", "Machines/CoordinatorMachine.Members.cs",
            "&& !view.Arrangement.Servers.Contains(node.Key)", "", 206),
        new(
            "a lost server's standby goes on with the state of the step before", "Machines/ParameterServerMachine.Views.cs",
            "Phase = range.PhaseOf(piece.Offset)", "Phase = PiecePhase.Collecting", 402),
        new(
            "a node that is lost while ranges are dealt is waited for", "Machines/CoordinatorMachine.Members.cs",
            "phase == Phase.Arranging || computedAll", "computedAll", 597),
        new(
            "the share of a lost worker is computed by nobody", "Consistency/ShareServerMachine.cs",
            "                share.Busy = null;", "", 332),
        new(
            "a share is ahead of the slowest by one step too many", "Consistency/AsynchronousServerMachine.cs",
            "share.Clock - slowest <= staleness", "share.Clock - 1 - slowest <= staleness", 13),
        new(
            "an update's version is that of the updates that are applied, not of those that are asked for", "Consistency/ShareServerMachine.cs",
            "share.Ticket, clock, Sequence, steps,", "share.Ticket, clock, Applied, steps,", 5),
        new(
            "a state is whole although a part of it came twice and another not at all", "Machines/StateAccount.cs",
            "parts.Add((message.Vector, message.Offset)) ? message.Length : 0", "message.Length", 527),
        new(
            "updates that an arrangement dropped are logged", "Machines/KeeperMachine.Shares.cs",
            "        received.Clear();\n", "", 146),
    ];

    private static readonly PlantedMistakes Planted = new(Mistakes);

    public static TheoryData<string> Names { get; } = new(Mistakes.Select(mistake => mistake.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Search_finds_a_planted_mistake(string name)
    {
        int foundLastBy = Planted.Plant(name).FoundLastBy;
        Assert.InRange(foundLastBy, 1, Seeds);
        int foundBy = Enumerable.Range(1, Seeds).Prepend(foundLastBy).FirstOrDefault(seed =>
            Planted.FindProblem((ulong)seed) is not null && SearchCase.Of((ulong)seed).FindProblem() is null);
        Assert.True(foundBy > 0, $"{name}: {Seeds} seeds noticed nothing");
        TestContext.Current.TestOutputHelper?.WriteLine($"found by seed {foundBy}");
    }

    [Fact]
    public void Search_finds_nothing_where_no_mistake_is_planted()
    {
        Planted.Uproot();
        Assert.All(Mistakes.Take(5), mistake => Assert.Null(Planted.FindProblem((ulong)mistake.FoundLastBy)));
    }
}
