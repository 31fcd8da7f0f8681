using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Tests.Machines;

/// <content>Who coordinates the run: to whom it is offered, whose word counts.</content>
public sealed partial class KeeperMachineTests
{
    [Fact]
    public void Run_is_offered_to_one_contact_after_the_other_and_refused_if_none_answers()
    {
        KeeperMachine machine = Machine();
        Assert.Equal(["a:1"], Offer(machine.Begin(11)).To);
        Assert.Equal(["b:1"], Offer(machine.Handle(new OfferDue())).To);
        OfferRun last = Enumerable.Range(0, 8).Select(_ => Offer(machine.Handle(new OfferDue()))).ToList()[^1];
        Assert.Equal((11ul, (RunProgress?)null), (last.Run, last.Newest));
        RefuseRun refused = Assert.IsType<RefuseRun>(Assert.Single(machine.Handle(new OfferDue())));
        Assert.Contains("no answer from a:1, b:1", Assert.Single(refused.Reasons), StringComparison.Ordinal);
        Assert.Contains("can it reach keeper:1", refused.Reasons[0], StringComparison.Ordinal);
        Assert.Empty(machine.Handle(new OfferDue()));
    }

    [Fact]
    public void Answer_to_an_offer_of_before_counts_no_longer()
    {
        KeeperMachine machine = Machine();
        machine.Begin(11);
        machine.Begin(12);
        Assert.Empty(machine.Handle(new RunAccepted(11, 3), First));
        Assert.Empty(machine.Handle(new RunRefused(11, ["busy"])));
        Assert.False(machine.Hears(First));
        Assert.Equal([new FollowCoordinator(3)], machine.Handle(new RunAccepted(12, 3), First));
        Assert.True(machine.Hears(First));
        Assert.False(machine.Hears(First with { Life = 9 }));
        Assert.Empty(machine.Handle(new OfferDue()));
    }

    [Fact]
    public void Lost_coordinator_is_heard_no_more_and_every_node_asked_for_the_next()
    {
        KeeperMachine machine = Accepted();
        machine.Handle(new MembersMet(["c:1", "a:1"]));
        machine.Handle(Last(3));
        Assert.Empty(machine.Handle(new CoordinatorGone(Second)));
        IReadOnlyList<KeeperEffect> effects = machine.Handle(new CoordinatorGone(First));
        Assert.Equal(new LeaveCoordinator(IsLost: true), effects[0]);
        OfferRun offer = Offer(effects);
        Assert.Equal(["a:1", "b:1", "c:1"], offer.To);
        Assert.Equal((11ul, 0, 3), (offer.Run, offer.Progress.Step, offer.Newest!.Step));
        Assert.False(machine.Hears(First));

        // One that still remembers the run refuses it; that is not the end.
        Assert.Empty(machine.Handle(new RunRefused(11, ["another run is under way"])));
        Assert.Equal([new FollowCoordinator(2)], machine.Handle(new RunAccepted(11, 2), Second));
        Assert.False(machine.Hears(First));
    }

    [Fact]
    public void Node_that_is_gone_is_asked_no_more_and_takes_its_coordinator_with_it()
    {
        KeeperMachine machine = Accepted();
        Assert.Empty(machine.Handle(new ContactGone("z:1")));
        Assert.Equal(["b:1"], Offer(machine.Handle(new ContactGone("a:1"))).To);
        RefuseRun refused = Assert.IsType<RefuseRun>(Assert.Single(machine.Handle(new ContactGone("b:1")).Concat(machine.Handle(new OfferDue()))));
        Assert.Contains("every node that took part in it is gone", Assert.Single(refused.Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_whose_nodes_are_all_gone_is_offered_to_those_that_were_asked_to_take_part()
    {
        KeeperMachine machine = Accepted();
        machine.Handle(new MembersMet(["a:1"]));
        machine.Handle(new NodesAsked(["a:1", "c:1"]));
        machine.Handle(new ContactGone("b:1"));
        Assert.Equal(["c:1"], Offer(machine.Handle(new ContactGone("a:1"))).To);
        Assert.Equal([new FollowCoordinator(1)], machine.Handle(new RunAccepted(11, 1), new CoordinatorName("c:1", 9)));

        // It may have ended without a word.
        Assert.Equal(["c:1"], Offer(machine.Handle(new CoordinatorGone(new CoordinatorName("c:1", 9)))).To);
        IReadOnlyList<KeeperEffect> effects = [.. Enumerable.Range(0, 200).SelectMany(_ => machine.Handle(new OfferDue()))];
        Assert.Contains("no answer from c:1", Assert.IsType<GiveUpRun>(effects[^1]).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_that_has_begun_and_finds_no_coordinator_fails()
    {
        KeeperMachine machine = Accepted();
        Assert.Equal([new AnnounceStart(RunProgress.Start)], machine.Handle(new MembersMet(["a:1"])));
        Assert.Empty(machine.Handle(new MembersMet(["a:1"])));
        Assert.Equal([new GiveUpRun("busy; full")], machine.Handle(new RunRefused(11, ["busy", "full"])));
        Assert.False(machine.Hears(First));
    }

    [Fact]
    public void What_a_coordinator_tells_is_heard_in_order_and_once_and_the_next_one_counts_anew()
    {
        KeeperMachine machine = Accepted();
        Assert.Equal(
            [true, false, false, true, false, true],
            new long[] { 1, 1, 3, 2, 4, 3 }.Select(number => machine.IsNext(new ToldToKeeper(number, ""))));
        Assert.Equal(3, machine.Heard);

        // It may say again that it took the run, and what it said still counts.
        Assert.Empty(machine.Handle(new RunAccepted(11, 2), First));
        Assert.Equal(3, machine.Heard);

        // One that was given up by mistake, and answers, counts on.
        machine.Handle(new CoordinatorGone(First));
        Assert.NotEmpty(machine.Handle(new RunAccepted(11, 2), First));
        Assert.Equal(3, machine.Heard);

        machine.Handle(new CoordinatorGone(First));
        machine.Handle(new RunAccepted(11, 2), Second);
        Assert.Equal(0, machine.Heard);
        Assert.True(machine.IsNext(new ToldToKeeper(1, "")));
    }

    [Fact]
    public void Stop_is_told_to_whoever_coordinates_and_to_whoever_does_so_later()
    {
        KeeperMachine machine = Machine();
        machine.Begin(11);
        machine.Handle(new StopRequested());
        Assert.Equal([new FollowCoordinator(2), new AnswerCoordinator(new StopRequested())], machine.Handle(new RunAccepted(11, 2), First));
    }
}
