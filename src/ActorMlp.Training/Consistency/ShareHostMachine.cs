using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// A node's part as parameter server of a run that is made of shares, decided. One node holds all parameters, the lead of the arrangement; there it gets the state of a step and goes on from
/// it with a <see cref="ShareServerMachine"/>. Nobody stands by: what the lead knew is lost with it, and the next arrangement begins with a checkpoint.
/// </summary>
/// <param name="shape">The run in numbers.</param>
/// <param name="self">The node's number.</param>
public sealed class ShareHostMachine(RunShape shape, int self)
{
    private ViewPublished newest = new(View.None);
    private ShareServerMachine? machine;
    private bool acquires;

    private Arrangement Arrangement => newest.View.Arrangement;

    /// <summary>Whether a result is wanted: only then may what was computed take the place of what is there.</summary>
    public bool Needs(ShareComputed message) => machine?.Needs(message) == true;

    /// <summary>A view. In a new arrangement the lead takes over all parameters, and whoever was it lets go of them.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ViewPublished message)
    {
        if (message.View.Number <= newest.View.Number)
        {
            return [];
        }

        bool isArranged = message.View.Arrangement.Number > Arrangement.Number;
        newest = message;
        if (isArranged)
        {
            machine = null;
            acquires = Arrangement.Lead == self;
            return [new AcquireRange(Arrangement, [.. Arrangement.PiecesOf(self)], [])];
        }

        return machine?.Handle(message) ?? [];
    }

    /// <summary>Weights and optimizer state are there.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(RangeAcquired message)
    {
        if (!acquires || message.Arrangement != Arrangement.Number)
        {
            return [];
        }

        acquires = false;
        ShareRules rules = shape.Sharing!;
        machine = ConsistencyMachines.Create(shape, rules.PlanOf(Arrangement.Shares), rules.Rule, Arrangement.Step);
        return machine.Handle(newest);
    }

    /// <summary>The coordinator lets the run go on.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ContinueTraining message) => machine?.Handle(message) ?? [];

    /// <summary>The coordinator wants the run to hold.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(HoldTraining message) => machine?.Handle(message) ?? [];

    /// <summary>A checkpoint is asked for.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(WriteCheckpoint message) => machine?.Handle(message) ?? [];

    /// <summary>A share is computed.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ShareComputed message) => machine?.Handle(message) ?? [];

    /// <summary>An update of this arrangement is applied.</summary>
    public IReadOnlyList<ParameterServerEffect> Handle(ShareUpdateApplied message) => machine?.Handle(message) ?? [];

    /// <summary>What a coordinator that takes the run over gets to know: the view, but not where the run stands. It goes back to its last checkpoint.</summary>
    public ServerStanding Standing() => new(newest.View, -1, IsReady: false, [], [], []);
}
