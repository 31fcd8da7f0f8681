namespace ActorMlp.Training.Machines;

/// <summary>What the state of a run is made of: vectors as long as the parameters, the weights first.</summary>
/// <param name="Length">Floats of each.</param>
/// <param name="ServerVectors">How many parameter servers keep, by the workers that a run that is made of shares was begun with; null for others.</param>
/// <param name="Residuals">How many workers keep, behind those: what each subtree owes.</param>
public sealed record StateShape(int Length, Func<int?, int> ServerVectors, int Residuals);
